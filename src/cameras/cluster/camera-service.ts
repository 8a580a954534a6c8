// What the processes of one Kinora ask of each other about cameras; `http/routes/service-cameras.ts` hands it on.
import type { PushedStream } from '../cameras.ts';
import type { Trials } from '../trials.ts';
import type { ClusterCameras } from './cluster-cameras.ts';
import type { RelayRequest } from './owned-camera.ts';
import type { RelaySocket } from './relay-sender.ts';

export type CameraService = {
  /**
   * Sends the camera to another process until the socket closes. Throws `unavailable` where this process does not own
   * it, `conflict` for another token than its lease has, `too-many`; nothing was written then. `begin` is called right
   * before the first byte.
   */
  relay(cameraId: string, socket: RelaySocket, request: RelayRequest): void;
  /** How many watch at a relay's end. Throws as `relay` does. */
  setAudience(cameraId: string, request: Pick<RelayRequest, 'relay' | 'token' | 'audience'>): void;
  /** Takes what a camera sends to another process. Throws as `Cameras.receive` and `relay` do. */
  push(
    cameraId: string,
    token: number,
    stream: Pick<PushedStream, 'type' | 'body'>,
    signal: AbortSignal,
  ): Promise<number>;
  /** `test`, `modes`, `discover`; `look`: something has changed. Throws `bad-request` for anything else. */
  call(name: string, question: unknown, signal: AbortSignal): Promise<unknown>;
};

export function createCameraService({
  cluster,
  trials,
  sync,
}: {
  cluster: ClusterCameras;
  trials: Trials;
  /** Reads the list of cameras. Must not throw. */
  sync: () => Promise<void>;
}): CameraService {
  return {
    relay: (id, socket, request) => cluster.relay(id, socket, request),
    setAudience: (id, request) => cluster.setAudience(id, request),
    push: (id, token, stream, signal) => cluster.receiveHere(id, token, stream, signal),
    async call(name, question, signal) {
      if (name !== 'look') return trials.answer(name, question, signal);
      await sync();
      const { cameras, leaving } = (question ?? {}) as {
        readonly cameras?: unknown;
        readonly leaving?: unknown;
      };
      const ids = Array.isArray(cameras) ? cameras.filter((id) => typeof id === 'string') : [];
      await cluster.lookAt(ids.slice(0, mostLookedAt), typeof leaving === 'string' ? leaving : null);
      return null;
    },
  };
}

/** As many as one house has. */
const mostLookedAt = 500;
