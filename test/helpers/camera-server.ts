// The camera routes on a real listener, with a driver the test pushes pictures through and a clock it moves; and a
// viewer that reads a Motion-JPEG stream from a plain socket, or does not.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { fastify } from 'fastify';
import pino from 'pino';
import { createAccess } from '../../src/accounts/create-access.ts';
import { household } from '../../src/accounts/permissions.ts';
import type { Cameras } from '../../src/cameras/cameras.ts';
import { createCameras } from '../../src/cameras/create-cameras.ts';
import type { Catalogue, StoredCamera } from '../../src/catalogue/catalogue.ts';
import type { Config } from '../../src/config.ts';
import { installErrors } from '../../src/http/errors.ts';
import type { PictureCarrier } from '../../src/http/picture-carrier.ts';
import { cameraLiveRoutes } from '../../src/http/routes/camera-live.ts';
import { cameraPushRoutes } from '../../src/http/routes/camera-push.ts';
import { cameraStreamRoutes } from '../../src/http/routes/camera-streams.ts';
import { cameraWallRoutes } from '../../src/http/routes/camera-wall.ts';
import { camerasApiRoutes } from '../../src/http/routes/cameras-api.ts';
import type { Services } from '../../src/http/services.ts';
import { createCameraCatalogue } from './camera-catalogue.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';
import { createFakeSharing } from './fake-sharing.ts';
import { installFakeViewer } from './fake-viewer.ts';
import { createPushDriver, numberIn, type PushDriver } from './push-driver.ts';

export type CameraServer = {
  readonly url: string;
  readonly port: number;
  readonly cameras: Cameras;
  readonly clock: FakeClock;
  /** Of the camera `door`, which stands in the settings; cameras added later share it. */
  readonly driver: PushDriver;
  readonly stored: StoredCamera[];
  /** Where the key for passwords lies. */
  readonly dataFolder: string;
  /** Lines of the log. */
  readonly lines: string[];
  /** Open now. */
  connections(): Promise<number>;
  /** Idempotent, and done after the test by itself. */
  close(): Promise<void>;
};

/** `load` replaces the pushed driver. */
export async function startCameraServer({
  driver = createPushDriver(),
  load,
  carrier,
  discovery,
  clock = createFakeClock(),
}: {
  driver?: PushDriver;
  load?: NonNullable<Parameters<typeof createCameras>[0]['load']>;
  /** How pictures reach the sockets; as in the program where it is not given. */
  carrier?: PictureCarrier;
  /** Where cameras are looked for. */
  discovery?: NonNullable<Parameters<typeof createCameras>[0]['discovery']>;
  clock?: FakeClock;
} = {}): Promise<CameraServer> {
  const stored: StoredCamera[] = [];
  const lines: string[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) });
  const catalogue = createCameraCatalogue(stored);
  const dataFolder = await mkdtemp(join(tmpdir(), 'kinora-cameras-'));
  after(() => rm(dataFolder, { recursive: true, force: true }));
  const cameras = await createCameras({
    settings: { list: [{ id: 'door', name: 'Door', driver: 'push', options: {} }], lingerMs: 10_000 },
    ...{ catalogue, clock, log, dataFolder, load: load ?? (async () => driver) },
    ...(discovery && { discovery }),
  });
  const sharing = createFakeSharing([], () => clock.nowMs());
  const services = {
    ...{
      cameras,
      clock,
      log,
      config: { server: { publicUrl: null } } as Config,
      access: createAccess(sharing),
    },
    catalogue: { noteAudit: async () => {} } as Partial<Catalogue> as Catalogue,
    running: { watch: () => {}, close: () => {} },
  } as Partial<Services> as Services;
  const app = fastify();
  installErrors(app, services);
  installFakeViewer(app, household);
  cameraStreamRoutes(app, services, carrier);
  cameraLiveRoutes(app, services, carrier);
  cameraWallRoutes(app, services);
  camerasApiRoutes(app, services);
  await cameraPushRoutes(app, services);
  await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as { port: number };
  const connections = () =>
    new Promise<number>((resolve, reject) =>
      app.server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
    );
  const close = async () => {
    const closed = cameras.close();
    await clock.advance(1000);
    await closed;
    app.server.closeAllConnections();
    await app.close();
  };
  // A test that fails half way must not leave a listener that keeps the run alive.
  after(close);
  const url = `http://127.0.0.1:${port}`;
  return { url, port, cameras, clock, driver, stored, dataFolder, lines, connections, close };
}

export type StreamViewer = {
  /** The head of the answer; empty until it is there. */
  head(): string;
  /** Numbers of the whole pictures so far, in order. */
  readonly numbers: number[];
  /** What came after the head up to the delimiter behind the first picture. */
  firstPart(): Buffer;
  /** SHA-256 of all whole pictures and their delimiters so far. */
  digest(): string;
  readonly isClosed: boolean;
  /** Begins to read (for viewers that started stalled). */
  resume(): void;
  pause(): void;
  close(): void;
};

/** Opens a stream. `isStalled`: does not read until `resume`. */
export async function viewStream(
  port: number,
  path: string,
  { isStalled = false }: { isStalled?: boolean } = {},
): Promise<StreamViewer> {
  const socket: Socket = connect({ port, host: '127.0.0.1' });
  if (isStalled) socket.pause();
  const numbers: number[] = [];
  let head = '';
  let isClosed = false;
  // What is not yet used, joined only when there is enough of it: large pictures come in many pieces.
  let pieces: Buffer[] = [];
  let piecesBytes = 0;
  let neededBytes = 1;
  let start: Buffer = Buffer.alloc(0);
  const hash = createHash('sha256');
  const use = () => {
    let rest = Buffer.concat(pieces);
    if (head === '') {
      const end = rest.indexOf('\r\n\r\n');
      if (end >= 0) {
        head = rest.toString('latin1', 0, end + 2);
        rest = rest.subarray(end + 4);
      }
    }
    neededBytes = 1;
    while (head !== '') {
      const end = rest.indexOf('\r\n\r\n');
      if (end < 0) break;
      const length = Number(/Content-Length: (\d+)/.exec(rest.toString('latin1', 0, end))?.[1]);
      // Shown by a browser only once the delimiter after it is there.
      const whole = end + 4 + length + '\r\n--frame\r\n'.length;
      if (rest.length < whole) {
        neededBytes = whole;
        break;
      }
      numbers.push(numberIn(rest.subarray(end + 4, end + 4 + length)));
      start = start.length === 0 ? Buffer.from(rest.subarray(0, whole)) : start;
      hash.update(rest.subarray(end + 4, whole));
      rest = rest.subarray(whole);
    }
    pieces = [rest];
    piecesBytes = rest.length;
  };
  socket.on('data', (chunk: Buffer) => {
    pieces.push(chunk);
    piecesBytes += chunk.length;
    if (piecesBytes >= neededBytes) use();
  });
  socket.on('close', () => {
    isClosed = true;
  });
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
  return {
    head: () => head,
    numbers,
    firstPart: () => start,
    digest: () => hash.copy().digest('hex'),
    get isClosed() {
      return isClosed;
    },
    resume: () => void socket.resume(),
    pause: () => void socket.pause(),
    close: () => void socket.destroy(),
  };
}
