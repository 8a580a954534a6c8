// Guest links and the audit log. A link's last visitors are in its own document, so that each is counted once and no
// more than are let in, by one write. Where they become many:
//
// 1. The older half is written to `linkVisits` (again does no harm).
// 2. The link lets go of them with the same write that counts the next visitor, only while it is as it was read.
//
// A visitor is looked for in the link first and in `linkVisits` then, so one on the way is found in one of them.
import { isDeepStrictEqual } from 'node:util';
import type { Filter } from 'mongodb';
import { AppError } from '../../errors.ts';
import { isDuplicate } from '../../mongo/failure.ts';
import type { AuditNote, GuestLink, Shared } from '../catalogue.ts';
import { changeDocument } from './change-document.ts';
import type { Collections, LinkDoc } from './documents.ts';
import { text, textOrNull } from './text.ts';

/** Visitors in the link's own document: 32 KB where their ids are ours. */
const mostRecent = 1000;
/** Of one write. */
const pieceLength = 1000;

/** Links without their visitors. */
const linkFields = { recent: 0 } as const;

function toLink(doc: Omit<LinkDoc, 'recent'>): GuestLink {
  return {
    id: doc._id,
    secretHash: doc.secretHash,
    subject: doc.subject,
    subjectId: doc.subjectId,
    startSeconds: doc.startSeconds,
    endSeconds: doc.endSeconds,
    createdBy: doc.createdBy,
    createdAtMs: doc.createdAtMs,
    note: doc.note,
    expiresAtMs: doc.expiresAtMs,
    passwordHash: doc.passwordHash,
    maxVisits: doc.maxVisits,
    visits: doc.visits,
    allowsDownload: doc.allowsDownload,
  };
}

function stored(link: GuestLink): GuestLink {
  return {
    id: text(link.id),
    secretHash: text(link.secretHash),
    subject: text(link.subject) as Shared,
    subjectId: text(link.subjectId),
    startSeconds: link.startSeconds,
    endSeconds: link.endSeconds,
    createdBy: text(link.createdBy),
    createdAtMs: Math.round(link.createdAtMs),
    note: text(link.note),
    expiresAtMs: link.expiresAtMs === null ? null : Math.round(link.expiresAtMs),
    passwordHash: link.passwordHash,
    maxVisits: link.maxVisits,
    visits: link.visits,
    allowsDownload: link.allowsDownload,
  };
}

/** Links of a thing or a person, and who visited by them: first the link, so that nobody is let in any more. */
export async function forgetLinks(
  { links, linkVisits }: Collections,
  filter: Filter<LinkDoc>,
): Promise<number> {
  const found = await links.find(filter, { projection: { _id: 1 } }).toArray();
  for (let first = 0; first < found.length; first += pieceLength) {
    const ids = found.slice(first, first + pieceLength).map(({ _id }) => _id);
    await links.deleteMany({ _id: { $in: ids } });
    await linkVisits.deleteMany({ linkId: { $in: ids } });
  }
  return found.length;
}

export type LinkWrites = ReturnType<typeof createLinkWrites>;

export function createLinkWrites(collections: Collections, accessChanged: () => Promise<void>) {
  const { links, linkVisits, audit } = collections;
  const findOne = async (filter: Filter<LinkDoc>): Promise<GuestLink | null> => {
    const doc = await links.findOne(filter, { projection: linkFields });
    return doc && toLink(doc);
  };

  return {
    getLink: (id: string) => findOne({ _id: text(id) }),
    findLink: (secretHash: string) => findOne({ secretHash: text(secretHash) }),

    async listLinks(request: {
      createdBy?: string;
      subject?: Shared;
      subjectId?: string;
    }): Promise<GuestLink[]> {
      const { createdBy, subject, subjectId } = request;
      const filter = {
        ...(createdBy !== undefined && { createdBy: text(createdBy) }),
        ...(subject !== undefined && { subject: text(subject) as Shared }),
        ...(subjectId !== undefined && { subjectId: text(subjectId) }),
      };
      const found = await links.find(filter, { projection: linkFields }).toArray();
      found.sort((a, b) => b.createdAtMs - a.createdAtMs || b.sequence - a.sequence);
      return found.map(toLink);
    },

    async addLink(given: GuestLink, sequence: Promise<number>): Promise<void> {
      const link = stored(given);
      const { id: _id, ...fields } = link;
      try {
        await links.insertOne({ ...fields, _id, revision: 1, sequence: await sequence, recent: [] });
      } catch (error) {
        if (!isDuplicate(error)) throw error;
        // Visitors may have come since it was added.
        const there = await findOne({ _id });
        if (!there || !isDeepStrictEqual({ ...there, visits: link.visits }, link)) {
          throw new AppError('conflict', 'Another link has this id or secret.');
        }
        return;
      }
      await accessChanged();
    },

    async countVisit(id: string, visit: string): Promise<boolean> {
      const [linkId, visitId] = [text(id), text(visit)];
      const key = (each: string) => JSON.stringify([linkId, each]);
      const before = await links.findOne({ _id: linkId });
      if (!before) return false;
      if (before.recent.includes(visitId)) return true;
      if (await linkVisits.findOne({ _id: key(visitId) })) return true;
      const kept = before.recent.length < mostRecent ? before.recent : before.recent.slice(mostRecent / 2);
      const older = before.recent.slice(0, before.recent.length - kept.length);
      for (const each of older) {
        await linkVisits.insertOne({ _id: key(each), linkId }).catch((error: unknown) => {
          if (!isDuplicate(error)) throw error;
        });
      }
      const gone = new Set(older);
      const changed = await changeDocument(links, { _id: linkId }, ({ recent, visits, maxVisits }) => {
        if (recent.includes(visitId) || (maxVisits !== null && visits >= maxVisits)) return null;
        return { recent: [...recent.filter((each) => !gone.has(each)), visitId], visits: visits + 1 };
      });
      if (changed?.doc.recent.includes(visitId)) return true;
      // Counted elsewhere meanwhile, and let go of already.
      return changed !== null && (await linkVisits.findOne({ _id: key(visitId) })) !== null;
    },

    async removeLink(id: string): Promise<boolean> {
      const isThere = (await forgetLinks(collections, { _id: text(id) })) > 0;
      if (isThere) await accessChanged();
      return isThere;
    },

    async noteAudit(note: AuditNote, sequence: Promise<number>): Promise<void> {
      const fields = {
        ...{
          atMs: Math.round(note.atMs),
          personId: textOrNull(note.personId),
          personName: text(note.personName),
        },
        ...{ action: text(note.action), subject: text(note.subject), address: text(note.address) },
      };
      try {
        await audit.insertOne({ _id: text(note.id), sequence: await sequence, ...fields });
      } catch (error) {
        if (!isDuplicate(error)) throw error;
      }
    },

    async listAudit(beforeMs: number, limit: number): Promise<AuditNote[]> {
      const order = { atMs: -1, sequence: -1 } as const;
      const found = await audit
        .find({ atMs: { $lt: beforeMs } })
        .sort(order)
        .limit(limit)
        .toArray();
      return found.map(({ _id, atMs, personId, personName, action, subject, address }) => ({
        ...{ id: _id, atMs, personId, personName, action, subject, address },
      }));
    },
  };
}
