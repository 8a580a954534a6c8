// A person goes: in which order, what is refused before anything happens, and that it can be done again after a crash
// at any step.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import type { Asker, Person } from '../../src/accounts/accounts.ts';
import { type Leaving, type Legacy, leave } from '../../src/archive/leave.ts';
import { AppError } from '../../src/errors.ts';
import { makeMedia } from '../helpers/media/media.ts';
import { add, film, kind, type Rig, withLibrary } from '../library/rig.ts';

const bytes = await readFile(await makeMedia(film));
const asker: Asker = {
  ...{ address: '::1', userAgent: null, origin: 'http://localhost', cookieHeader: null, isThisMachine: true },
};

const person = (id: string, part: Partial<Person> = {}) => ({
  id,
  role: 'member',
  isDisabled: false,
  ...part,
});

/** The parts of a house that leaving needs. `steps` tells what was done; `failAt` ends it before that step. */
function houseOf({ library, catalogue }: Pick<Rig, 'library' | 'catalogue'>, failAt: number | null = null) {
  const people = new Map([
    ['anna', person('anna')],
    ['ben', person('ben')],
    ['greta', person('greta', { role: 'guest' })],
    ['off', person('off', { isDisabled: true })],
    ['last', person('last', { role: 'owner' })],
  ]);
  const steps: string[] = [];
  const step = (name: string) => {
    if (steps.length === failAt) throw new Error('the power went');
    steps.push(name);
  };
  const accounts = {
    getPerson: async (id: string) => people.get(id) ?? null,
    async changePerson(_asker: unknown, _byId: unknown, id: string, changes: object) {
      if (id === 'last') throw new AppError('conflict', 'No owner would be left.');
      step('disable');
      people.set(id, { ...people.get(id)!, ...changes });
    },
    async removePerson(_asker: unknown, _byId: unknown, id: string) {
      step('remove');
      people.delete(id);
    },
  };
  const leaving = {
    ...{ accounts, asker, byId: null },
    library: {
      async giveEverything(fromId: string, toId: string, isIntoBin: boolean) {
        step('give');
        await library.giveEverything(fromId, toId, isIntoBin);
      },
    },
    catalogue: {
      async forgetPerson(id: string) {
        step('forget');
        await catalogue.forgetPerson(id);
      },
    },
  } as unknown as Leaving;
  return { leaving, steps, people };
}

const owned = async ({ library }: Rig, ownerId: string) => (await library.getUsage(ownerId)).videos;

test('first nobody comes in any more, last the account goes, and then it is looked once more', async () => {
  await withLibrary(async (rig) => {
    await add(rig.library, bytes);
    const { leaving, steps, people } = houseOf(rig);
    await leave(leaving, { personId: 'anna', videos: 'household' });
    assert.deepEqual(steps, ['disable', 'give', 'forget', 'remove', 'give']);
    assert.ok(!people.has('anna'));
    assert.deepEqual([await owned(rig, 'anna'), await owned(rig, 'household')], [0, 1]);
  });
});

describe('is refused before anything is given away', () => {
  const cases: readonly (readonly [string, string, Legacy, 'not-found' | 'bad-request' | 'conflict'])[] = [
    ['nobody', 'nobody', 'household', 'not-found'],
    ['the last owner', 'last', 'bin', 'conflict'],
    ['to oneself', 'anna', { to: 'anna' }, 'bad-request'],
    ['to nobody', 'anna', { to: 'nobody' }, 'bad-request'],
    ['to a guest', 'anna', { to: 'greta' }, 'bad-request'],
    ['to an account that is off', 'anna', { to: 'off' }, 'bad-request'],
  ];
  for (const [what, personId, videos, wanted] of cases) {
    test(what, async () => {
      await withLibrary(async (rig) => {
        await add(rig.library, bytes);
        const { leaving, steps } = houseOf(rig);
        await assert.rejects(leave(leaving, { personId, videos }), kind(wanted));
        assert.deepEqual(steps, []);
        assert.equal(await owned(rig, 'anna'), 1);
      });
    });
  }
});

for (const failAt of [0, 1, 2, 3]) {
  test(`a crash before step ${failAt + 1} lets the next time complete it`, async () => {
    await withLibrary(async (rig) => {
      await add(rig.library, bytes);
      const { leaving, people } = houseOf(rig, failAt);
      await assert.rejects(leave(leaving, { personId: 'anna', videos: { to: 'ben' } }), /the power went/);
      assert.ok(people.has('anna'), 'whose videos there could still be is still there');
      const after = houseOf(rig);
      await leave(after.leaving, { personId: 'anna', videos: { to: 'ben' } });
      assert.deepEqual([await owned(rig, 'anna'), await owned(rig, 'ben')], [0, 1]);
    });
  });
}
