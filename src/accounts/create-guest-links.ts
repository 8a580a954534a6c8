// Guest links over the catalogue: secrets and passes, what a link leads to as it is now, and who was let in. Nothing is
// remembered of an answer: a link that was ended, or whose maker may share no longer, is none with the next question.
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Cameras } from '../cameras/cameras.ts';
import type { AuditNote, Catalogue, Folder, GuestLink, Video } from '../catalogue/catalogue.ts';
import type { Clock } from '../clock.ts';
import { AppError, isAppError } from '../errors.ts';
import { createId, isId } from '../ids.ts';
import type { Keys } from '../keys.ts';
import type { Access } from './access.ts';
import type { Accounts } from './accounts.ts';
import type { GuestLinks } from './guest-links.ts';
import { AttemptWindows, networkOf } from './link-attempts.ts';
import { createLinkMakers } from './link-makers.ts';
import { assertNewLink } from './link-rules.ts';
import { createPasswordHasher, type PasswordHasher } from './password-hash.ts';
import { householdId, permits, type Viewer } from './permissions.ts';

/** 160 bits, 27 characters in an address. */
const secretBytes = 20;
/** Of one person. Each is a door; who has so many has lost count of them. */
const maxLinks = 1000;
/** Videos on one page of a folder. */
const folderLimit = 60;
const quarterMs = 15 * 60_000;

export type GuestLinkTools = {
  readonly catalogue: Catalogue;
  readonly access: Access;
  readonly accounts: Pick<Accounts, 'getPerson' | 'revision'>;
  readonly cameras: Pick<Cameras, 'get'>;
  readonly clock: Clock;
  /** Passes are signed with one of them. */
  readonly keys: Keys;
  /** Another one where a test tries hundreds. */
  readonly passwords?: PasswordHasher;
};

export function createGuestLinks(tools: GuestLinkTools): GuestLinks {
  const { catalogue, access, cameras, clock, keys } = tools;
  const passwords = tools.passwords ?? createPasswordHasher();
  const makers = createLinkMakers(tools);
  // A person mistypes twice or thrice; a link that a hundred addresses try at once is being guessed at.
  const wrongByAddress = new AttemptWindows(10, quarterMs, clock);
  const wrongByLink = new AttemptWindows(100, 4 * quarterMs, clock);
  const visitsByAddress = new AttemptWindows(60, quarterMs, clock);
  /** Networks from which a link was opened: others that guess do not shut those out. */
  const known = new Set<string>();
  const getKey = () => keys.get('links', 'guest links');

  const note = async (part: Pick<AuditNote, 'action' | 'subject' | 'address' | 'personId' | 'personName'>) =>
    catalogue.noteAudit({ id: createId(), atMs: clock.nowMs(), ...part });
  const noteVisitor = async (action: string, link: GuestLink, address: string) =>
    note({ action, subject: await nameOf(link), address, personId: null, personName: '' });
  const nameOf = async (link: Pick<GuestLink, 'subject' | 'subjectId'>): Promise<string> => {
    const { subject, subjectId } = link;
    if (subject === 'video') return (await catalogue.getVideo(subjectId))?.title ?? subjectId;
    if (subject === 'folder') return (await catalogue.getFolder(subjectId))?.name ?? subjectId;
    return cameras.get(subjectId)?.name ?? subjectId;
  };

  /** The thing a link leads to, where this person may share it. Throws `not-found`, `forbidden`. */
  const subjectFor = async (
    maker: Viewer,
    { subject, subjectId }: Pick<GuestLink, 'subject' | 'subjectId'>,
  ) => {
    const permission = subject === 'camera' ? 'cameras:manage' : 'videos:share';
    if (!permits(maker, permission)) throw new AppError('forbidden', 'You cannot make links to this.');
    if (subject === 'camera') {
      if (!cameras.get(subjectId)) throw new AppError('not-found', 'There is no such camera here.');
      await access.camera(maker, subjectId);
      return null;
    }
    if (!isId(subjectId)) throw new AppError('not-found', `There is no such ${subject} here.`);
    if (subject === 'folder') {
      await access.folder(maker, subjectId, 'share');
      return null;
    }
    const video = await access.video(maker, subjectId, 'share');
    if (video.binnedAtMs !== null) throw new AppError('not-found', 'This video is in the bin.');
    return video;
  };
  const makerOf = async (link: GuestLink): Promise<Viewer> => {
    const maker = await makers.find(link.createdBy);
    if (!maker) throw notHere();
    return maker;
  };
  /** Of a folder's path, the part from the link's folder on; throws where it is not in it. */
  const within = (link: GuestLink, path: readonly Folder[]): readonly Folder[] => {
    const at = path.findIndex((entry) => entry.id === link.subjectId);
    if (at < 0) throw notHere();
    return path.slice(at);
  };
  const checkPassword = async (link: GuestLink, password: string | null, address: string) => {
    if (link.passwordHash === null) return;
    const network = networkOf(address);
    const mine = `${link.id} ${network}`;
    // Before it is looked at, so that many at once are counted as many.
    wrongByAddress.take(mine);
    const isKnown = known.has(mine);
    try {
      if (!isKnown) wrongByLink.take(link.id);
    } catch (error) {
      wrongByAddress.giveBack(mine);
      throw error;
    }
    const giveBack = () => {
      wrongByAddress.giveBack(mine);
      if (!isKnown) wrongByLink.giveBack(link.id);
    };
    // Nothing typed is no attempt.
    if (password === null || password === '') {
      giveBack();
      throw new AppError('unauthorized', 'Type the password that came with the link.');
    }
    const { passwordHash } = link;
    const check = () => passwords.isPassword(password.slice(0, 1000), passwordHash);
    const isRight = await (isKnown ? passwords.first(check) : check()).catch((error) => {
      giveBack();
      throw error;
    });
    if (!isRight) {
      await noteVisitor('link-refused', link, address);
      throw new AppError('unauthorized', 'That is not the password of this link.');
    }
    giveBack();
    if (known.size >= 10_000) known.clear();
    known.add(mine);
  };
  const sign = async (link: GuestLink, visitId: string) =>
    createHmac('sha256', await getKey())
      .update(`pass\n${link.id}\n${link.secretHash}\n${visitId}`)
      .digest('base64url');

  return {
    async make(viewer, wanted, address) {
      const video = await subjectFor(viewer, wanted);
      const link = assertNewLink(wanted, video, clock.nowMs());
      if ((await catalogue.listLinks({ createdBy: viewer.personId })).length >= maxLinks)
        throw new AppError('conflict', `You have ${maxLinks} links already. End some first.`);
      const { password, ...rest } = link;
      const secret = randomBytes(secretBytes).toString('base64url');
      const made: GuestLink = {
        ...rest,
        ...{ id: createId(), secretHash: hashOf(secret), createdBy: viewer.personId },
        ...{ createdAtMs: clock.nowMs(), visits: 0 },
        passwordHash: password === null ? null : await passwords.hash(password),
      };
      await catalogue.addLink(made);
      const { personId, name: personName } = viewer;
      await note({ action: 'link-made', subject: await nameOf(made), address, personId, personName });
      return { link: made, secret };
    },

    async list(viewer, of) {
      if (of) await subjectFor(viewer, { subject: of.subject, subjectId: of.subjectId });
      const links = await catalogue.listLinks(of ?? { createdBy: viewer.personId });
      if (of && viewer.role === 'owner') return links;
      return links.filter((link) => isMaker(viewer, link));
    },

    async end(viewer, id, address) {
      const link = isId(id) ? await catalogue.getLink(id) : null;
      if (!link || !(isMaker(viewer, link) || viewer.role === 'owner'))
        throw new AppError('not-found', 'There is no such link (any more).');
      await catalogue.removeLink(id);
      const { personId, name: personName } = viewer;
      await note({ action: 'link-ended', subject: await nameOf(link), address, personId, personName });
    },

    nameOf,

    async find(secret) {
      // Its hash is looked for: how long that takes tells nothing of the secret.
      if (!/^[\w-]{27}$/.test(secret)) return null;
      const secretHash = hashOf(secret);
      const link = await catalogue.findLink(secretHash);
      if (!link || !timingSafeEqual(Buffer.from(link.secretHash), Buffer.from(secretHash))) return null;
      if (link.expiresAtMs !== null && link.expiresAtMs <= clock.nowMs()) return null;
      try {
        await subjectFor(await makerOf(link), link);
        return link;
      } catch (error) {
        if (isAppError(error, 'not-found') || isAppError(error, 'forbidden')) return null;
        throw error;
      }
    },

    async enter(link, { password, address }) {
      visitsByAddress.take(`${link.id} ${networkOf(address)}`);
      await checkPassword(link, password, address);
      const visitId = createId();
      if (!(await catalogue.countVisit(link.id, visitId))) {
        await noteVisitor('link-refused', link, address);
        throw new AppError('gone', 'This link has been used as often as it may. Ask for another one.');
      }
      await noteVisitor('link-opened', link, address);
      return { pass: `${visitId}.${await sign(link, visitId)}` };
    },

    async isPass(link, pass) {
      const [, visitId, signature] = /^([0-9a-z]{16})\.([\w-]{43})$/.exec(pass ?? '') ?? [];
      if (!visitId || !signature) return false;
      return timingSafeEqual(Buffer.from(signature), Buffer.from(await sign(link, visitId)));
    },

    async video(link, videoId) {
      const maker = await makerOf(link);
      if (link.subject === 'video') {
        if (videoId !== null) throw notHere();
        return assertVideo(await subjectFor(maker, link));
      }
      if (link.subject !== 'folder' || videoId === null || !isId(videoId)) throw notHere();
      const video = await access.video(maker, videoId, 'share').catch(hide);
      if (video.folderId === null || video.binnedAtMs !== null || video.status === 'arriving')
        throw notHere();
      within(link, await catalogue.folderPath(video.folderId));
      return video;
    },

    async folder(link, folderId, after) {
      if (link.subject !== 'folder' || (folderId !== null && !isId(folderId))) throw notHere();
      const maker = await makerOf(link);
      const found = await access.folder(maker, folderId ?? link.subjectId, 'share').catch(hide);
      const path = within(link, await catalogue.folderPath(found.id));
      const sight = { ownerIds: [found.ownerId], audiences: [] };
      const page = await catalogue.listVideos({
        ...{ limit: folderLimit, after, query: '', sight, folderId: found.id },
      });
      return {
        ...{ folder: found, path, folders: await catalogue.listFolders(sight, found.id), next: page.next },
        videos: page.items.filter((video) => video.status !== 'arriving'),
      };
    },
  };
}

/** What a link does not give is not there, whatever it is. */
function notHere(): AppError {
  return new AppError('not-found', 'This link does not lead there (any more).');
}

function hide(error: unknown): never {
  throw isAppError(error, 'forbidden') || isAppError(error, 'not-found') ? notHere() : error;
}

function assertVideo(video: Video | null): Video {
  if (!video) throw notHere();
  return video;
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** What was made while there were no accounts is the owners'. */
function isMaker(viewer: Viewer, { createdBy }: GuestLink): boolean {
  return createdBy === viewer.personId || (viewer.role === 'owner' && createdBy === householdId);
}
