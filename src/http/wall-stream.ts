// Many cameras over one socket: the newest picture of each, and what its state is, as parts of one answer without
// end. Memory: one picture in flight, and that is the hub's own buffer; a camera that waits for the socket holds a
// number, no picture. What a busy socket misses is skipped and counted.
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { CameraInfo, Viewer, Viewing } from '../cameras/cameras.ts';
import { boundary, type LiveSample, streamStart } from '../cameras/live-sample.ts';
import type { Clock } from '../clock.ts';
import { isAppError } from '../errors.ts';

/** A viewer that has not taken one picture in this time is gone without having said so. */
const stallMs = 30_000;

/** How often the stream looks after itself. */
const watchMs = 5000;

/** A stream with nothing to say says that much this often, so that the page can tell silence from a lost network. */
const heartbeatMs = 5000;

/** The headers of a wall's stream (also the answer to HEAD). */
export const wallHeaders = {
  // Not x-mixed-replace: these parts do not replace each other (RFC 2046 §5.1.3).
  'Content-Type': `multipart/mixed; boundary=${boundary}`,
  'Cache-Control': 'no-store, no-transform',
  // nginx would collect pictures in its buffers.
  'X-Accel-Buffering': 'no',
  Connection: 'close',
} as const;

const heartbeat = jsonPart({});
const partEnd = Buffer.from(`\r\n--${boundary}\r\n`, 'latin1');

export type WallTile = {
  readonly id: string;
  /** Of the tile in pixels; null for the camera's own. */
  readonly width: number | null;
  /** Sequence of the picture that the viewer shows already: that one is not sent again. Null where it shows none. */
  readonly shown: number | null;
};

export type WallStreamSetup = {
  readonly response: ServerResponse;
  readonly tiles: readonly WallTile[];
  readonly clock: Clock;
  /** What is known of a camera; null where there is none. */
  readonly get: (id: string) => CameraInfo | null;
  /** Joins a camera's viewers, for JPEG pictures as the tile needs them. */
  readonly watch: (tile: WallTile, viewer: Viewer) => Viewing;
};

export type WallInFlight = {
  /** Cameras that `get` no longer finds leave the wall, as if they had been removed. */
  dropUnseen(): void;
};

/**
 * Sends the head and then parts until the socket closes, stalls, or none of the cameras is there any more. Null where
 * there is no socket to send to.
 */
export function startWallStream(setup: WallStreamSetup): WallInFlight | null {
  const { socket } = setup.response;
  // Not the answer whose turn it is: a pipelined request, which nobody sends for a stream without end.
  if (!socket) {
    setup.response.req.socket.destroy();
    return null;
  }
  return new WallStream(setup, socket);
}

/** One camera of the wall. */
class Tile {
  readonly id: string;
  viewing: Viewing | null = null;
  /** Its state, where it has changed and was not told yet. */
  state: object | null = null;
  /** Pictures that wait for the socket: only the newest of them will be sent. */
  waiting = 0;
  /** Compared for being the same, never for being greater: a restart of the program begins anew. */
  lastSequence: number;

  constructor({ id, shown }: WallTile) {
    this.id = id;
    this.lastSequence = shown ?? 0;
  }
}

class WallStream {
  readonly #setup: WallStreamSetup;
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #tiles = new Set<Tile>();
  /** Those with something to send, the longest waiting first. */
  readonly #queue = new Set<Tile>();
  readonly #over = new AbortController();
  /** Since when the socket holds something that it has not taken; null while it is free. */
  #busySinceMs: number | null = null;
  #saidAtMs: number;
  #isStarted = false;

  constructor(setup: WallStreamSetup, socket: Socket) {
    this.#setup = setup;
    this.#socket = socket;
    this.#clock = setup.clock;
    this.#saidAtMs = setup.clock.monotonicMs();
    const { response } = setup;
    // As in `mjpeg-stream.ts`: no chunks, and what follows the head goes straight to the socket.
    response.removeHeader('Transfer-Encoding');
    response.writeHead(200, wallHeaders);
    response.flushHeaders();
    socket.write(streamStart);
    socket.once('close', () => this.#end());
    for (const tile of setup.tiles) this.#open(tile);
    this.#isStarted = true;
    if (socket.destroyed) this.#end();
    else this.#pump();
    void this.#watch();
  }

  #open(wanted: WallTile): void {
    const tile = new Tile(wanted);
    this.#tiles.add(tile);
    try {
      tile.viewing = this.#setup.watch(wanted, {
        onSample: (sample) => this.#onSample(tile, sample),
        onState: (camera) => this.#tell(tile, stateOf(camera)),
        onEnd: () => this.#onEnd(tile),
      });
    } catch (error) {
      if (!isAppError(error)) throw error;
      this.#onEnd(tile);
      return;
    }
    const camera = this.#setup.get(tile.id);
    if (camera) this.#tell(tile, stateOf(camera));
    const newest = tile.viewing.newest();
    if (newest) this.#onSample(tile, newest);
  }

  dropUnseen(): void {
    for (const tile of [...this.#tiles]) {
      if (this.#setup.get(tile.id) !== null || tile.viewing === null) continue;
      this.#forget(tile);
      tile.viewing.close();
      this.#onEnd(tile);
    }
  }

  #onSample(tile: Tile, sample: LiveSample): void {
    if (sample.codec !== 'jpeg' || sample.sequence === tile.lastSequence) return;
    tile.waiting += 1;
    this.#queue.add(tile);
    this.#pump();
  }

  #tell(tile: Tile, state: object): void {
    tile.state = state;
    this.#queue.add(tile);
    this.#pump();
  }

  /** The camera was removed, or the program ends. */
  #onEnd(tile: Tile): void {
    tile.viewing = null;
    // At the program's end the camera is still there; the page will find out what has ended.
    if (this.#setup.get(tile.id) === null) tile.state = { id: tile.id, state: 'removed' };
    this.#queue.add(tile);
    this.#pump();
  }

  /** Sends what waits until the socket has enough. */
  #pump(): void {
    if (!this.#isStarted || this.#busySinceMs !== null) return;
    for (const tile of this.#queue) {
      if (this.#socket.destroyed || this.#socket.writableLength > 0) break;
      this.#queue.delete(tile);
      this.#send(tile);
    }
    if (this.#socket.writableLength > 0) this.#busySinceMs = this.#clock.monotonicMs();
  }

  #send(tile: Tile): void {
    const socket = this.#socket;
    this.#saidAtMs = this.#clock.monotonicMs();
    socket.cork();
    if (tile.state) socket.write(jsonPart(tile.state), this.#onTaken);
    tile.state = null;
    const newest = tile.waiting > 0 ? (tile.viewing?.newest() ?? null) : null;
    if (newest && newest.sequence !== tile.lastSequence) {
      tile.lastSequence = newest.sequence;
      tile.waiting -= 1;
      // The picture itself is the hub's buffer, for every viewer: nothing is copied.
      socket.write(pictureHead(tile.id, newest), 'latin1');
      socket.write(newest.data);
      socket.write(partEnd, this.#onTaken);
    }
    this.#forget(tile);
    socket.uncork();
    if (tile.viewing === null) {
      this.#tiles.delete(tile);
      if (this.#tiles.size === 0) this.#finish();
    }
  }

  /** Counts what waited and will not be sent. */
  #forget(tile: Tile): void {
    if (tile.waiting > 0) tile.viewing?.countDropped(tile.waiting);
    tile.waiting = 0;
  }

  readonly #onTaken = () => {
    if (this.#busySinceMs === null || this.#socket.writableLength > 0) return;
    this.#busySinceMs = null;
    this.#pump();
  };

  /** One sleeper a stream: ends it where it is stalled, and gives a sign of life where it is silent. */
  async #watch(): Promise<void> {
    const { signal } = this.#over;
    try {
      while (!signal.aborted) {
        await this.#clock.sleep(watchMs, signal);
        const nowMs = this.#clock.monotonicMs();
        if (this.#busySinceMs !== null) {
          if (nowMs - this.#busySinceMs >= stallMs) this.#socket.destroy();
        } else if (nowMs - this.#saidAtMs >= heartbeatMs) {
          this.#saidAtMs = nowMs;
          this.#socket.write(heartbeat, this.#onTaken);
          if (this.#socket.writableLength > 0) this.#busySinceMs = nowMs;
        }
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  #finish(): void {
    // One that does not take what is in flight would hold its connection for as long as it likes.
    if (this.#busySinceMs !== null) this.#socket.destroy();
    else this.#socket.destroySoon();
    this.#end();
  }

  #end(): void {
    if (this.#over.signal.aborted) return;
    this.#over.abort();
    this.#queue.clear();
    for (const tile of this.#tiles) {
      this.#forget(tile);
      tile.viewing?.close();
    }
    this.#tiles.clear();
  }
}

function stateOf({ id, state, stateSinceMs, message, lastPictureAtMs }: CameraInfo): object {
  return { id, state, stateSinceMs, message, lastPictureAtMs };
}

function jsonPart(value: object): Buffer {
  const body = Buffer.from(JSON.stringify(value));
  return Buffer.concat([
    Buffer.from(`Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`, 'latin1'),
    body,
    Buffer.from(`\r\n--${boundary}\r\n`, 'latin1'),
  ]);
}

function pictureHead(id: string, picture: LiveSample): string {
  return (
    `Content-Type: image/jpeg\r\nContent-Length: ${picture.data.length}\r\nX-Camera: ${id}\r\n` +
    `X-Timestamp: ${(picture.takenAtMs / 1000).toFixed(3)}\r\nX-Sequence: ${picture.sequence}\r\n\r\n`
  );
}
