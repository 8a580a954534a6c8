// `kinora move`: a whole library with its people from the data folder into a database, or back. Nothing is removed where
// it was. Done again it does what is left (the steps are told in design/writes.md).
import type { Logger } from 'pino';
import type { AccountRow } from '../accounts/local/account-rows.ts';
import { type AccountsPlace, openAccountData } from '../accounts/local/create-local-accounts.ts';
import { exportAccounts, importAccounts } from '../accounts/local/move-accounts.ts';
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { KeyName, Keys } from '../keys.ts';
import { everybodyOf, type MoveTools, moveCatalogue, type Side } from './move-catalogue.ts';

/** `service` is the processes' own. */
const movedKeys: readonly KeyName[] = ['auth', 'links', 'camera'];
/** How many videos of the other side are looked at before anything is written there. */
const looked = 1000;

export type MoveSide = Side & { readonly keys: Keys; readonly accounts: AccountsPlace };

export type Moved = {
  readonly people: number;
  readonly videos: number;
  readonly bytes: number;
  readonly left: number;
};

/**
 * Moves everything. Throws `conflict` where the other side holds something else, `corrupt` where something could not be
 * read back as it was, and as the stores do; what was moved until then stays.
 * @param out told of each video
 */
export async function move(
  from: MoveSide,
  to: MoveSide,
  tools: {
    readonly clock: Clock;
    readonly log: Logger;
    readonly cameraIds: readonly string[];
    out(line: string): void;
  },
): Promise<Moved> {
  await assertNothingElse(from, to);
  for (const name of movedKeys) {
    const key = await from.keys.peek(name);
    if (key) await to.keys.put(name, key);
  }
  const people = await movePeople(from, to, tools);
  const moved = { videos: 0, bytes: 0, left: 0 };
  const parts: MoveTools = {
    ...{ from, to, cameraIds: tools.cameraIds, personIds: await everybodyOf(from.catalogue, people) },
    onVideo({ title }, bytes) {
      moved.videos += 1;
      moved.bytes += bytes;
      tools.out(`${title}: ${bytes} bytes`);
    },
    onLeft({ title }, reason) {
      moved.left += 1;
      tools.out(`${title} stays: ${reason}`);
    },
  };
  await moveCatalogue(parts);
  return { ...moved, people: people.length };
}

async function assertNothingElse(from: Side, to: Side): Promise<void> {
  const { items } = await to.catalogue.listVideos({ limit: looked, after: null, query: '', sort: 'oldest' });
  for (const { id, title } of items) {
    if ((await from.catalogue.getVideo(id)) === null)
      throw new AppError(
        'conflict',
        `There are other videos there already (“${title}”): move into an empty one, or go on with a move that was begun.`,
      );
  }
}

/** Resolves to their ids. */
async function movePeople(
  from: MoveSide,
  to: MoveSide,
  tools: { readonly clock: Clock; readonly log: Logger },
): Promise<readonly string[]> {
  const [source, target] = [
    await openAccountData(from.accounts, tools),
    await openAccountData(to.accounts, tools),
  ];
  try {
    const ids: string[] = [];
    async function* noted(): AsyncGenerator<AccountRow> {
      for await (const row of exportAccounts(source)) {
        if (row.collection === 'user') ids.push(String(row.row.id));
        yield row;
      }
    }
    await importAccounts(target, noted());
    return ids;
  } finally {
    await source.close();
    await target.close();
  }
}
