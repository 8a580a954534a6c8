// A whole house behind a real listener for the tests of guest links: catalogue, library, cameras and every route as in
// the program; the people are fake ones, the camera's pictures are the test's, and so is the clock.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { createAccess } from '../../src/accounts/create-access.ts';
import { createGuestLinks } from '../../src/accounts/create-guest-links.ts';
import type { GuestLinks, NewLink } from '../../src/accounts/guest-links.ts';
import { household, type Viewer } from '../../src/accounts/permissions.ts';
import { createDiskBlobs } from '../../src/blobs/disk.ts';
import type { Cameras } from '../../src/cameras/cameras.ts';
import { createCameras } from '../../src/cameras/create-cameras.ts';
import type { Catalogue, Folder, GuestLink, Video } from '../../src/catalogue/catalogue.ts';
import { openSqliteCatalogue } from '../../src/catalogue/sqlite/sqlite-catalogue.ts';
import { defaultLimits, type Limits } from '../../src/http/limits.ts';
import { createServer } from '../../src/http/server.ts';
import { createId } from '../../src/ids.ts';
import { createFileKeys } from '../../src/keys.ts';
import { createLibrary } from '../../src/library/create-library.ts';
import type { Library } from '../../src/library/library.ts';
import { createMetrics } from '../../src/metrics/metrics.ts';
import { readSettings } from '../../src/settings.ts';
import { createProbe } from '../../src/workers/probe.ts';
import { createFakeAccounts, type FakeAccounts } from './fake-accounts.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';
import { createPushDriver, type PushDriver } from './push-driver.ts';

export type LinkHouse = {
  readonly url: string;
  readonly port: number;
  readonly clock: FakeClock;
  readonly folder: string;
  readonly catalogue: Catalogue;
  readonly library: Library;
  readonly accounts: FakeAccounts;
  readonly cameras: Cameras;
  readonly links: GuestLinks;
  /** Of the cameras `door` and `garden`. */
  readonly driver: PushDriver;
  /** Every route, with what it needs. */
  readonly routes: Awaited<ReturnType<typeof createServer>>['routes'];
  /** The owner, and a member. */
  readonly anna: Viewer;
  readonly ben: Viewer;
  addVideo(options: {
    path: string;
    title: string;
    ownerId?: string;
    folderId?: string | null;
  }): Promise<Video>;
  addFolder(name: string, parentId?: string | null, ownerId?: string): Promise<Folder>;
  makeLink(link: Partial<NewLink> & Pick<NewLink, 'subject' | 'subjectId'>, by?: Viewer): Promise<MadeLink>;
  /** Presses the button of the link's door; the pass as a Cookie header. */
  enter(link: MadeLink, password?: string): Promise<string>;
  close(): Promise<void>;
};

export type MadeLink = { readonly link: GuestLink; readonly secret: string; readonly path: string };

export const plainLink: Omit<NewLink, 'subject' | 'subjectId'> = {
  ...{ startSeconds: null, endSeconds: null, note: '', expiresAtMs: null, maxVisits: null },
  ...{ allowsDownload: false, password: null },
};

/** Listens on a free port; to be closed by the caller. */
export async function startLinkHouse({
  settings = {},
  limits = {},
  startMs,
}: {
  readonly settings?: Readonly<Record<string, string>>;
  /** Those of the program where left out. */
  readonly limits?: Partial<Limits>;
  /** Wall time at the beginning; tus's own code asks the machine how old an upload is. */
  readonly startMs?: number;
} = {}): Promise<LinkHouse> {
  const clock = createFakeClock(startMs);
  const log = pino({ level: 'silent' });
  const folder = await mkdtemp(join(tmpdir(), 'kinora-links-'));
  const environment = { KINORA_DATA: folder, KINORA_PORT: '0', KINORA_RESERVE_BYTES: '1000000', ...settings };
  const read = readSettings({ ...environment, KINORA_HOST: '127.0.0.1' }, folder, false);
  const camera = (id: string, name: string) => ({ id, name, driver: 'push', options: {} });
  const list = [camera('door', 'Door'), camera('garden', 'Garden')];
  const config = { ...read, cameras: { ...read.cameras, list } };
  const blobs = await createDiskBlobs({ folder, reserveBytes: 1_000_000, clock });
  const catalogue = await openSqliteCatalogue({ file: join(folder, 'kinora.sqlite'), clock });
  const probe = createProbe({ clock, log });
  const library = createLibrary({ blobs, catalogue, clock, log, config: config.data, probe });
  await library.start();
  const driver = createPushDriver();
  const cameras = await createCameras({
    ...{ settings: config.cameras, catalogue, clock, log, dataFolder: folder },
    load: async () => driver,
  });
  const accounts = createFakeAccounts({ clock });
  const access = createAccess({ catalogue });
  const links = createGuestLinks({
    catalogue,
    access,
    accounts,
    cameras,
    clock,
    keys: createFileKeys(folder),
  });
  const metrics = createMetrics({ cameras, clock });
  const parts = { config, clock, log, catalogue, blobs, library, cameras, metrics, accounts, access, links };
  const server = await createServer(parts, { ...defaultLimits, ...limits });
  const url = await server.listen();
  const isOpen = config.auth.mode === 'none';
  const anna = isOpen ? household : accounts.viewerOf(accounts.ids.owner);
  const ben = isOpen ? household : accounts.viewerOf(accounts.ids.member);
  let closed: Promise<void> | null = null;
  const close = () => {
    closed ??= (async () => {
      const ending = server.close();
      // Whoever sleeps is woken: drivers that linger, answers that drain.
      for (let step = 0; step < 20; step += 1) await clock.advance(1000);
      await ending;
      await Promise.all([library.close(), probe.close()]);
      await catalogue.close();
      await blobs.close();
      await rm(folder, { recursive: true, force: true });
    })();
    return closed;
  };

  const house: LinkHouse = {
    ...{
      url,
      port: Number(new URL(url).port),
      clock,
      folder,
      catalogue,
      library,
      accounts,
      cameras,
      links,
      driver,
    },
    ...{ anna, ben, close, routes: server.routes },
    async addVideo({ path, title, ownerId = anna.personId, folderId = null }) {
      const bytes = await readFile(path);
      const arriving = await library.beginArrival({
        ...{ ownerId, folderId, audiences: [], quotaBytes: null, uploadMetadata: null },
        ...{ fileName: `${title} of the camcorder.mkv`, sizeBytes: bytes.length },
      });
      await arriving.write(bytes);
      const video = await arriving.finish();
      return library.renameVideo(video.id, title);
    },
    async addFolder(name, parentId = null, ownerId = anna.personId) {
      const added = { id: createId(), ownerId, parentId, name, createdAtMs: clock.nowMs() };
      await catalogue.addFolder(added);
      return added;
    },
    async makeLink(link, by = anna) {
      const made = await links.make(by, { ...plainLink, ...link }, '192.168.1.2');
      return { ...made, path: `/l/${made.secret}` };
    },
    async enter({ path }, password) {
      const answer = await fetch(`${url}${path}`, {
        ...{ method: 'POST', redirect: 'manual' },
        body: new URLSearchParams(password === undefined ? {} : { password }),
      });
      const cookie = answer.headers.get('set-cookie');
      if (answer.status !== 303 || !cookie) throw new Error(`The door answered ${answer.status}.`);
      return cookie.split(';', 1)[0]!;
    },
  };
  return house;
}

export type RawAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
};

/** Connections are kept: some tests ask thousands of times. */
const agent = new Agent({ keepAlive: true, maxSockets: 8 });

/** One request whose path is sent as it is: nothing of `..` or `%2e` is put in order, as `fetch` would do. */
export function askRaw(
  port: number,
  path: string,
  {
    method = 'GET',
    headers = {},
    body,
  }: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, method, headers, agent }, (answer) => {
      const pieces: Buffer[] = [];
      answer.on('data', (piece: Buffer) => pieces.push(piece));
      answer.on('error', reject);
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(pieces) }),
      );
    });
    asked.on('error', reject);
    asked.end(body);
  });
}
