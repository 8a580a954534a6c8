// Cameras that come and go as a test's dice say: modules whose pictures the test gives turn by turn, HTTP cameras
// on real sockets, and a sender of the driver `push`. One turn of each is `turnMs` of the test's time.
import { createServer, type Server, type Socket } from 'node:net';
import type { CameraSample, DriverModule } from '../../src/cameras/driver.ts';

/** From 0 to 1, the same numbers for the same seed (mulberry32). */
export function createDice(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Cameras last some nine seconds: three turns. */
export const turnMs = 3000;

export type VanishingCamera = {
  /** `turnMs` pass. */
  turn(): void;
  /** How often it went away while somebody watched. */
  readonly vanished: number;
  close(): void;
};

type Sample = Uint8Array | CameraSample;

/** A module: what is given in `samplesOf` each turn, until it throws, ends, hangs or sends rubbish. */
export function createVanishingModule(
  dice: () => number,
  samplesOf: () => readonly Sample[],
): VanishingCamera & { readonly driver: DriverModule } {
  let queue: Sample[] = [];
  let wake: (() => void) | null = null;
  let failure: Error | 'end' | null = null;
  let vanished = 0;
  let turnsAway = 0;
  let isRunning = false;
  const driver: DriverModule = {
    async *samples(_options, { signal, clock }) {
      if (turnsAway > 0) throw new Error('The cable is out.');
      isRunning = true;
      queue = [];
      failure = null;
      const onAbort = () => wake?.();
      signal.addEventListener('abort', onAbort, { once: true });
      try {
        while (!signal.aborted) {
          if (failure === 'end') return;
          if (failure) throw failure;
          const sample = queue.shift();
          if (sample) yield sample;
          else
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
        }
      } finally {
        isRunning = false;
        wake = null;
        // Some devices take their time; more than a second and the hub goes on without.
        if (dice() < 0.3) await clock.sleep(dice() * 1500);
      }
    },
  };
  return {
    driver,
    turn() {
      if (turnsAway > 0) turnsAway -= 1;
      if (!isRunning) return;
      const throwOf = dice();
      if (throwOf > 0.33) queue.push(...samplesOf());
      else {
        vanished += 1;
        turnsAway = Math.floor(dice() * 4);
        if (throwOf < 0.13) failure = new Error(`It is gone (${Math.floor(dice() * 1000)}).`);
        else if (throwOf < 0.25) failure = 'end';
        else if (throwOf < 0.29) queue.push(Buffer.from('<html>no picture</html>'));
        // Else it says nothing this turn.
      }
      wake?.();
    },
    get vanished() {
      return vanished;
    },
    close() {
      failure = 'end';
      wake?.();
    },
  };
}

/** An HTTP camera on the loopback that breaks off, answers otherwise, says nothing, or is not there at all. */
export async function startVanishingHttpCamera(
  dice: () => number,
  pictureOf: () => Uint8Array,
): Promise<VanishingCamera & { readonly url: string; readonly isThere: boolean }> {
  const sockets = new Set<Socket>();
  let port = 0;
  let vanished = 0;
  let turnsAway = 0;
  let isClosed = false;
  let server: Server | null = null;
  const open = () =>
    new Promise<void>((resolve) => {
      const opened = createServer((socket) => {
        sockets.add(socket);
        socket.on('close', () => sockets.delete(socket));
        socket.on('error', () => {});
        socket.once('data', () => {
          socket.resume();
          const throwOf = dice();
          if (throwOf < 0.1) socket.destroy();
          else if (throwOf < 0.2) socket.end('HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy');
          else if (throwOf < 0.3) socket.write('HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-repl');
          else
            socket.write(
              'HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=b\r\n\r\n--b\r\n',
            );
        });
      });
      opened.once('error', () => {
        // Somebody else has its port for now; it tries again with the next turn.
        server = null;
        resolve();
      });
      opened.listen(port, '127.0.0.1', () => {
        server = opened;
        port = (opened.address() as { port: number }).port;
        resolve();
      });
    });
  const away = () => {
    for (const socket of sockets) socket.destroy();
    server?.close();
    server = null;
  };
  await open();
  return {
    get url() {
      return `http://127.0.0.1:${port}/video`;
    },
    get isThere() {
      return server !== null;
    },
    get vanished() {
      return vanished;
    },
    turn() {
      if (turnsAway > 0) {
        turnsAway -= 1;
        if (turnsAway === 0 && !isClosed) void open();
        return;
      }
      if (!server && !isClosed) {
        turnsAway = 1;
        return;
      }
      const picture = pictureOf();
      const isLeaving = dice() < 0.33 && sockets.size > 0;
      for (const socket of sockets) {
        if (socket.bytesRead === 0) continue;
        socket.write('Content-Type: image/jpeg\r\n\r\n');
        // In the middle of a picture, where it goes.
        socket.write(isLeaving ? picture.subarray(0, picture.length >> 1) : picture);
        if (!isLeaving) socket.write('\r\n--b\r\n');
      }
      if (!isLeaving) return;
      vanished += 1;
      if (dice() < 0.5) {
        turnsAway = 1 + Math.floor(dice() * 4);
        away();
      } else for (const socket of sockets) socket.destroy();
    },
    close() {
      isClosed = true;
      away();
    },
  };
}

/** Sends to a camera of the driver `push`: ends, breaks off, is silent, and begins again. */
export function createVanishingSender(
  dice: () => number,
  send: (body: AsyncIterable<Uint8Array>, signal: AbortSignal) => Promise<unknown>,
  pictureOf: () => Uint8Array,
): VanishingCamera {
  let vanished = 0;
  let current: { give(chunk: Uint8Array | 'end' | Error): void; stop: AbortController } | null = null;
  const begin = () => {
    const stop = new AbortController();
    let queue: (Uint8Array | 'end' | Error)[] = [];
    let wake: (() => void) | null = null;
    const body = (async function* () {
      try {
        for (;;) {
          const next = queue.shift();
          if (next === 'end') return;
          if (next instanceof Error) throw next;
          if (next) yield next;
          else
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
        }
      } finally {
        queue = [];
      }
    })();
    const own = {
      stop,
      give(chunk: Uint8Array | 'end' | Error) {
        // One that is made to wait does not collect.
        if (queue.length < 4 || typeof chunk === 'string') queue.push(chunk);
        wake?.();
      },
    };
    current = own;
    const over = () => {
      own.give('end');
      if (current === own) current = null;
    };
    send(body, stop.signal).then(over, over);
  };
  return {
    get vanished() {
      return vanished;
    },
    turn() {
      if (!current) {
        if (dice() < 0.4) begin();
        return;
      }
      const throwOf = dice();
      if (throwOf > 0.33) {
        const head = Buffer.from('--b\r\nContent-Type: image/jpeg\r\n\r\n');
        current.give(Buffer.concat([head, pictureOf(), Buffer.from('\r\n')]));
        return;
      }
      vanished += 1;
      if (throwOf < 0.1) current.give('end');
      else if (throwOf < 0.2) current.give(new Error('The phone is out of reach.'));
      else if (throwOf < 0.28) current.stop.abort(new Error('The request was aborted.'));
      // Else it says nothing this turn.
    },
    close() {
      current?.stop.abort(new Error('The test is over.'));
      current?.give('end');
    },
  };
}
