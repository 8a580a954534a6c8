// Writes about guest links and the audit log.
import { isDeepStrictEqual } from 'node:util';
import { AppError } from '../../errors.ts';
import type { AuditNote, GuestLink, Shared } from '../catalogue.ts';
import type { Statements } from './statements.ts';
import { wellFormed } from './video-rows.ts';

/** Rows as SQLite gives them; the columns are explained in people-tables.ts. */
export type LinkRow = {
  id: string;
  secret_hash: string;
  subject: string;
  subject_id: string;
  start_seconds: number | null;
  end_seconds: number | null;
  created_by: string;
  created_at_ms: number;
  note: string;
  expires_at_ms: number | null;
  password_hash: string | null;
  max_visits: number | null;
  visits: number;
  allows_download: number;
};

export function toLink(row: LinkRow): GuestLink {
  return {
    id: row.id,
    secretHash: row.secret_hash,
    subject: row.subject as Shared,
    subjectId: row.subject_id,
    startSeconds: row.start_seconds,
    endSeconds: row.end_seconds,
    createdBy: row.created_by,
    createdAtMs: row.created_at_ms,
    note: row.note,
    expiresAtMs: row.expires_at_ms,
    passwordHash: row.password_hash,
    maxVisits: row.max_visits,
    visits: row.visits,
    allowsDownload: row.allows_download === 1,
  };
}

export type LinkWrites = {
  addLink(link: GuestLink): void;
  countVisit(id: string, visitId: string): boolean;
  removeLink(id: string): boolean;
  noteAudit(note: AuditNote): void;
};

export function createLinkWrites(statements: Statements): LinkWrites {
  return {
    addLink(given) {
      const link: GuestLink = {
        ...given,
        subjectId: wellFormed(given.subjectId),
        createdBy: wellFormed(given.createdBy),
        createdAtMs: Math.round(given.createdAtMs),
        note: wellFormed(given.note),
        expiresAtMs: given.expiresAtMs === null ? null : Math.round(given.expiresAtMs),
      };
      const found = statements.get<LinkRow>(
        'SELECT * FROM links WHERE id = ? OR secret_hash = ?',
        link.id,
        link.secretHash,
      );
      if (found) {
        // Visitors may have come since it was added.
        if (isDeepStrictEqual({ ...toLink(found), visits: link.visits }, link)) return;
        throw new AppError('conflict', 'Another link has this id or secret.');
      }
      statements.run(
        `INSERT INTO links (id, secret_hash, subject, subject_id, start_seconds, end_seconds, created_by,
                            created_at_ms, note, expires_at_ms, password_hash, max_visits, visits, allows_download)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        ...[link.id, link.secretHash, link.subject, link.subjectId, link.startSeconds, link.endSeconds],
        ...[link.createdBy, link.createdAtMs, link.note, link.expiresAtMs, link.passwordHash],
        ...[link.maxVisits, link.visits, link.allowsDownload ? 1 : 0],
      );
    },

    countVisit(id, visit) {
      const visitId = wellFormed(visit);
      const link = statements.get<LinkRow>('SELECT * FROM links WHERE id = ?', id);
      if (!link) return false;
      const sql = 'SELECT 1 FROM link_visits WHERE link_id = ? AND visit_id = ?';
      if (statements.get(sql, id, visitId)) return true;
      if (link.max_visits !== null && link.visits >= link.max_visits) return false;
      statements.run('INSERT INTO link_visits VALUES (?, ?)', id, visitId);
      statements.run('UPDATE links SET visits = visits + 1 WHERE id = ?', id);
      return true;
    },

    removeLink: (id) => statements.run('DELETE FROM links WHERE id = ?', id) > 0,

    noteAudit(note) {
      statements.run(
        `INSERT INTO audit (id, at_ms, person_id, person_name, action, subject, address)
         VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
        ...[note.id, Math.round(note.atMs), wellFormed(note.personId), wellFormed(note.personName)],
        ...[wellFormed(note.action), wellFormed(note.subject), wellFormed(note.address)],
      );
    },
  };
}
