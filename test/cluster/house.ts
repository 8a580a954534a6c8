// A house over many processes under load: a cluster with an owner who is logged in, a film in it and a camera with
// numbered pictures; people who watch both and upload, and what must be true of them and of the database afterwards.
import assert from 'node:assert/strict';
import { availableParallelism, loadavg } from 'node:os';
import { MongoClient } from 'mongodb';
import { type Cluster, type ClusterOptions, startCluster } from '../helpers/cluster/cluster.ts';
import type { Replica } from '../helpers/cluster/replica.ts';
import { until } from '../helpers/until.ts';
import { type FileViewer, type FileViewing, watchFile } from './file-viewer.ts';
import { digestOf, type Film, longFilm } from './films.ts';
import {
  type CameraViewer,
  type NumberedCamera,
  startNumberedCamera,
  watchCamera,
} from './numbered-camera.ts';
import { type Balancer, createBalancer, type Round } from './round.ts';
import { type Uploaded, type Uploading, upload } from './uploader.ts';

/** The numbers instead of the suite's. */
export const isStorm = process.env.KINORA_TEST_STORM === '1';

/** How much longer than at rest things may take here: a machine that does other things besides is slower. */
export const patience = loadavg()[0]! > 2 * availableParallelism() ? 3 : 1;

/** A camera's take-over, at most. */
export const takeOverMs = 10_000 * patience;

/** Of an answer the kernel keeps as much between two processes of one machine, at most: it outlives who sent it. */
export const keptBytes = 11_000_000;

export type LeaseDoc = {
  readonly _id: string;
  readonly token: number;
  readonly holder: string | null;
  readonly beat: number;
  readonly note: string;
};

export type House = {
  readonly cluster: Cluster;
  readonly cookie: string;
  readonly camera: NumberedCamera;
  readonly film: Film;
  readonly filmPath: string;
  readonly database: MongoClient;
  readonly balancer: Balancer;
  /** All web replicas in turns. */
  round(): Round;
  /** One of them for as long as it runs. */
  home(number: number): Round;
  watchFile(options?: Partial<FileViewing>): FileViewer;
  watchCamera(round?: Round, options?: { mayBreak?: boolean }): CameraViewer;
  upload(film: Film, options?: Partial<Uploading>): Promise<Uploaded>;
  lease(name: string): Promise<LeaseDoc | null>;
  /** The replica that owns the camera, by the lease's own word. */
  owner(): Promise<Replica>;
  /** Asks until it answers with the film's bytes from each of the web replicas. */
  assertWhole(id: string, film: Film): Promise<void>;
  /** Resolves when no task waits; then each has ended once. */
  untilTasksAreDone(): Promise<void>;
  close(): Promise<void>;
};

export type HouseOptions = Omit<ClusterOptions, 'settings'> & {
  readonly settings?: Readonly<Record<string, string>>;
  /** Of the film that people watch. */
  readonly filmBytes?: number;
  /** Between two pictures of the camera. */
  readonly cameraEveryMs?: number;
};

const password = 'four brown otters under the mill';
export const slow = { timeoutMs: 90_000 };

export async function openHouse({
  filmBytes = 3_000_000,
  cameraEveryMs = 100,
  settings = {},
  ...options
}: HouseOptions): Promise<House> {
  const camera = await startNumberedCamera(cameraEveryMs);
  const database = new MongoClient(options.mongoUrl, { serverSelectionTimeoutMS: 2000 });
  let cluster: Cluster | null = null;
  const close = async () => {
    await cluster?.close();
    await database.close();
    await camera.close();
  };
  try {
    const own = { KINORA_DRAIN_SECONDS: '5', KINORA_DRAIN_WAIT_SECONDS: '2', ...settings };
    cluster = await startCluster({ ...options, settings: own });
    const cookie = settings.KINORA_AUTH === 'none' ? '' : await signUp(cluster.web[0]!.url);
    const film = await longFilm(filmBytes);
    const leases = database.db().collection<LeaseDoc>('leases');
    const videos = database.db().collection<VideoTasks>('videos');
    const { web, camera: owners } = cluster;
    const balancer = createBalancer();
    const round = () => balancer.round(() => web, cookie);
    const home = (number: number) => balancer.home(web[number % web.length]!, () => web, cookie);
    const house = {
      ...{ cluster, cookie, camera, film, database, balancer, round, home, close },
      upload: (one, more = {}) =>
        upload({ round: round(), film: one, pieceBytes: 400_000, pieceMs: 200, ...more }),
      lease: (name) => leases.findOne({ _id: name }),
      watchCamera: (at = round(), more = {}) => watchCamera(at, '/cameras/numbers/stream.mjpeg', more),
      async owner() {
        return until(async () => {
          const lease = await leases.findOne({ _id: 'camera:numbers', holder: { $ne: null } });
          const { url } = JSON.parse(lease?.note ?? '{}') as { url?: string };
          return owners.find((replica) => replica.url === url && replica.isRunning) ?? null;
        }, slow);
      },
      async assertWhole(id, { digest }) {
        for (const replica of web.filter(({ isRunning }) => isRunning)) {
          const answer = await fetch(`${replica.url}/videos/${id}/original`, { headers: { cookie } });
          assert.equal(answer.status, 200, `${id} at ${replica.name}`);
          const bytes = new Uint8Array(await answer.arrayBuffer());
          assert.equal(digestOf(bytes), digest, `${id} at ${replica.name}`);
        }
      },
      async untilTasksAreDone() {
        const open = () => videos.countDocuments({ openTaskAtMs: { $ne: null } });
        await until(async () => (await open()) === 0, { ...slow, what: 'all tasks are done' });
      },
    } satisfies Partial<House> as unknown as House;
    await post(cluster.web[0]!.url, '/api/v1/cameras', cookie, {
      ...{ id: 'numbers', name: 'Numbers', driver: 'mjpeg', url: camera.url },
    });
    const { id } = await house.upload(film, { pieceBytes: filmBytes * 2, pieceMs: 0 });
    const filmPath = `/videos/${id}/original`;
    return Object.assign(house, {
      filmPath,
      watchFile: (more: Partial<FileViewing> = {}) =>
        watchFile({ round: round(), path: filmPath, film, bytesPerSecond: 1_500_000, ...more }),
    });
  } catch (error) {
    await close();
    throw error;
  }
}

/** What the catalogue keeps of a video's tasks. */
export type VideoTasks = {
  readonly _id: string;
  readonly tasks: readonly { readonly id: string; readonly isEnded: boolean; readonly token: number }[];
  readonly openTaskAtMs: number | null;
};

/** Again while accounts are busy; then the account may be there already. Resolves to the cookies. */
async function signUp(url: string): Promise<string> {
  const ask = async (path: string, body: object) =>
    fetch(`${url}/api/auth/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: 'anna@example.org', password, ...body }),
    });
  const answer = await until(
    async () => {
      const made = await ask('sign-up/email', { name: 'Anna' });
      if (made.ok) return made;
      const known = await ask('sign-in/email', {});
      if (known.ok) return known;
      throw new Error(`${await made.text()} ${await known.text()}`);
    },
    { ...slow, what: 'the first account' },
  );
  const pairs = answer.headers.getSetCookie().map((cookie) => cookie.split(';', 1)[0]!);
  return pairs.filter((pair) => !pair.endsWith('=')).join('; ');
}

async function post(url: string, path: string, cookie: string, body: object): Promise<void> {
  const answer = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', cookie },
    body: JSON.stringify(body),
  });
  assert.ok(answer.ok, `${path}: ${answer.status} ${await answer.clone().text()}`);
}

/** Resolves when everybody has seen something that came after now. */
export async function untilAllSee(viewers: readonly CameraViewer[]): Promise<void> {
  const nowMs = performance.now();
  await until(() => viewers.every(({ lastAtMs }) => lastAtMs > nowMs), { ...slow, what: 'pictures for all' });
}
