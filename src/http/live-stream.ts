// One viewer of live.mp4 or sound.mp4: a socket that gets the init segment, what has come since the last key frame, and every
// fragment from then on. One that cannot follow goes on at the next key frame. Memory: what the socket holds; all
// buffers are those of the feed, shared by all viewers.
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FeedViewer, LiveFeed } from '../cameras/live-feed.ts';
import type { Clock } from '../clock.ts';
import type { LiveFragment, LiveInit } from '../media/live/live-muxer.ts';
import { idleDescriptor } from './kernel-send.ts';
import type { PictureCarrier } from './picture-carrier.ts';
import { StallWatch } from './stall-watch.ts';

export type LiveStreamSetup = {
  readonly response: ServerResponse;
  readonly feed: LiveFeed;
  /** The feed is ready with it. */
  readonly init: LiveInit;
  readonly clock: Clock;
  readonly carrier: PictureCarrier;
};

/** The headers of a live stream (also the answer to HEAD, then with the plain type). */
export function liveHeaders(contentType: string) {
  return {
    'Content-Type': contentType,
    'Cache-Control': 'no-store, no-transform',
    // nginx would collect fragments in its buffers.
    'X-Accel-Buffering': 'no',
    // A player that asks for ranges learns that there are none.
    'Accept-Ranges': 'none',
    Connection: 'close',
  } as const;
}

/** Sends the head and then fragments until the socket closes or stalls, the stream changes or the camera is no more. */
export function startLiveStream(setup: LiveStreamSetup): void {
  const { socket } = setup.response;
  // Not the answer whose turn it is: a pipelined request, which nobody sends for a stream without end.
  if (!socket) setup.response.req.socket.destroy();
  else new LiveStream(setup, socket);
}

class LiveStream implements FeedViewer {
  readonly #socket: Socket;
  readonly #feed: LiveFeed;
  readonly #init: LiveInit;
  readonly #carrier: PictureCarrier;
  readonly #stall: StallWatch;
  readonly #leave: () => void;
  /** Sequence of the fragment that follows what was sent; 0: begin at a key frame. */
  #next = 0;
  #descriptor: number | null = null;
  #isOver = false;

  constructor({ response, feed, init, clock, carrier }: LiveStreamSetup, socket: Socket) {
    this.#socket = socket;
    this.#feed = feed;
    this.#init = init;
    this.#carrier = carrier;
    this.#stall = new StallWatch(clock, () => {
      socket.destroy();
      this.#end();
    });
    this.#leave = feed.join(this);
    // No chunks: the end of this answer is the end of the connection (RFC 9112 §6.3, rule 8).
    response.removeHeader('Transfer-Encoding');
    const { originMs } = feed;
    response.writeHead(200, {
      ...liveHeaders(init.contentType),
      ...(originMs !== null && { 'X-Time-Origin': (originMs / 1000).toFixed(3) }),
    });
    response.flushHeaders();
    socket.write(init.bytes);
    socket.on('drain', () => {
      this.#stall.free();
      if (!this.#isOver && !socket.destroyed) this.#catchUp();
    });
    socket.once('close', () => this.#end());
    this.#catchUp();
    if (socket.destroyed) this.#end();
  }

  onFragment(fragment: LiveFragment): void {
    if (this.#isOver || this.#socket.destroyed) return;
    // Another stream cannot follow in this one: its player opens it again.
    if (fragment.init !== this.#init) this.onEnd();
    // Hot path. `writableLength` is zero where the kernel has taken all of what came before.
    else if (this.#socket.writableLength > 0) this.#stall.busy();
    else if (fragment.sequence === this.#next) this.#send(fragment);
    else this.#catchUp();
  }

  onEnd(): void {
    // One that does not take what it has would hold its connection for as long as it likes.
    if (this.#socket.writableLength > 0) this.#socket.destroy();
    else this.#socket.destroySoon();
    this.#end();
  }

  #send(fragment: LiveFragment): void {
    this.#next = fragment.sequence + 1;
    // Small writes end without a `drain`: that the socket is free again shows here.
    this.#stall.free();
    // Good for as long as the socket is open, which both callers have seen to.
    if (this.#descriptor === null) {
      this.#descriptor = idleDescriptor(this.#socket);
      if (this.#descriptor !== null) this.#carrier.keepNear?.(this.#descriptor);
    }
    this.#carrier.send(this.#socket, this.#descriptor, fragment);
  }

  /** Sends what the feed still has of what follows; where that has gone, from the last key frame on. */
  #catchUp(): void {
    const { backlog } = this.#feed;
    const first = backlog[0];
    if (!first || first.init !== this.#init) return;
    if (first.sequence > this.#next) {
      if (this.#next > 0) this.#feed.countDropped(first.sequence - this.#next);
      this.#next = first.sequence;
    }
    for (let i = this.#next - first.sequence; i < backlog.length; i++) {
      if (this.#socket.writableLength > 0) {
        this.#stall.busy();
        return;
      }
      this.#send(backlog[i]!);
    }
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stall.close();
    this.#leave();
  }
}
