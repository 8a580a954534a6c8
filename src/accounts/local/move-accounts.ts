// Accounts from one store to another, for `kinora move`: rows as no store in particular has them, with the ids, times and
// hashes they have. Who was interrupted begins again: a row that is there already is replaced by itself. The key of
// log-ins (`auth`) is moved apart; without it nobody stays logged in and no authenticator is known any more.
import type { AccountData } from './account-data.ts';
import type { AccountRow } from './account-rows.ts';

/** Put in one go. */
const batch = 200;

/** All rows, people first. Memory: some hundred rows. Throws `unavailable`. */
export function exportAccounts(data: Pick<AccountData, 'rows'>): AsyncIterable<AccountRow> {
  return data.rows();
}

/** Resolves to how many there were. Throws `conflict` where others have the same log-ins there, `unavailable`. */
export async function importAccounts(
  data: Pick<AccountData, 'put'>,
  rows: AsyncIterable<AccountRow> | Iterable<AccountRow>,
): Promise<number> {
  let waiting: AccountRow[] = [];
  let count = 0;
  for await (const row of rows) {
    waiting.push(row);
    count += 1;
    if (waiting.length < batch) continue;
    await data.put(waiting);
    waiting = [];
  }
  if (waiting.length > 0) await data.put(waiting);
  return count;
}
