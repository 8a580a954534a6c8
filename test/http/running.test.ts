// Answers that go on for long, with the clock in the test's hand: who is asked again, when, and what ends them.
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { RoutePermission, Viewer } from '../../src/accounts/permissions.ts';
import { household } from '../../src/accounts/permissions.ts';
import { AppError } from '../../src/errors.ts';
import { createRunning } from '../../src/http/running.ts';
import { createFakeClock } from '../helpers/fake-clock.ts';

const member: Viewer = { ...household, personId: 'ben', name: 'Ben', role: 'member' };

function setup() {
  const clock = createFakeClock();
  const asked: FastifyRequest[] = [];
  const state = {
    revision: 1,
    identity: { viewer: member, expiresAtMs: Infinity } as { viewer: Viewer; expiresAtMs: number } | null,
    failure: null as Error | null,
    logged: 0,
  };
  const running = createRunning({
    clock,
    log: {
      warn: () => {
        state.logged += 1;
      },
    },
    revision: () => String(state.revision),
    identify: async (request) => {
      asked.push(request);
      if (state.failure) throw state.failure;
      return state.identity;
    },
  });
  /** An answer that runs, as far as `running` looks at one. */
  const answer = (permission: RoutePermission = 'videos:watch', endsAtMs = Infinity) => {
    const raw = Object.assign(new EventEmitter(), { closed: false });
    const request = { routeOptions: { config: { permission } }, viewerEndsAtMs: endsAtMs };
    const reply = { raw, request } as unknown as FastifyReply;
    const close = () => {
      raw.closed = true;
      raw.emit('close');
    };
    return { reply, close };
  };
  /** Begins one; `ended` counts. */
  const begin = (
    mayGoOn: (viewer: Viewer | null) => unknown = () => true,
    permission?: RoutePermission,
    endsAtMs?: number,
  ) => {
    const one = answer(permission, endsAtMs);
    const told = { ended: 0, close: one.close };
    const end = () => {
      told.ended += 1;
    };
    running.watch(one.reply, mayGoOn, end);
    return told;
  };
  return { clock, asked, state, running, begin };
}

test('a new answer is asked once more, and then only when something has changed', async () => {
  const { clock, asked, state, begin } = setup();
  begin();
  await clock.advance(1000);
  assert.equal(asked.length, 1);
  await clock.advance(60_000);
  assert.equal(asked.length, 1, 'nothing has changed');
  state.revision += 1;
  await clock.advance(1000);
  assert.equal(asked.length, 2);
});

test('where it may no longer, an answer ends within a look, once, and the others go on', async () => {
  const { clock, state, begin } = setup();
  let mayFirst = true;
  const first = begin(() => mayFirst);
  const second = begin();
  const third = begin(() => {
    if (!mayFirst) throw new AppError('not-found', 'It is shared no longer.');
  });
  await clock.advance(3000);
  assert.deepEqual([first.ended, second.ended, third.ended], [0, 0, 0]);
  mayFirst = false;
  state.revision += 1;
  await clock.advance(1000);
  assert.deepEqual([first.ended, second.ended, third.ended], [1, 0, 1]);
  state.revision += 1;
  await clock.advance(5000);
  assert.deepEqual([first.ended, second.ended, third.ended], [1, 0, 1]);
});

const changes: readonly [string, RoutePermission, Viewer | null, boolean][] = [
  ['is logged out', 'videos:watch', null, true],
  ['has another role that may not', 'videos:add', { ...member, role: 'guest' }, true],
  ['has another role that may', 'videos:watch', { ...member, role: 'guest' }, false],
  ['comes with a token that was narrowed', 'videos:watch', { ...member, scopes: ['cameras:watch'] }, true],
  ['was nobody, where nobody needs to be somebody', 'link', null, false],
];
for (const [what, permission, viewer, isOver] of changes) {
  test(`an answer ${isOver ? 'ends' : 'goes on'} where its viewer ${what}`, async () => {
    const { clock, state, begin } = setup();
    const told = begin(() => true, permission);
    await clock.advance(2000);
    state.identity = viewer && { viewer, expiresAtMs: Infinity };
    state.revision += 1;
    await clock.advance(2000);
    assert.equal(told.ended, isOver ? 1 : 0);
  });
}

test('the end of a session ends what it runs, without any change', async () => {
  const { clock, state, begin } = setup();
  const endsAtMs = clock.nowMs() + 10_000;
  state.identity = { viewer: member, expiresAtMs: endsAtMs };
  const told = begin(() => true, 'videos:watch', endsAtMs);
  await clock.advance(9000);
  assert.equal(told.ended, 0);
  state.identity = null;
  await clock.advance(2000);
  assert.equal(told.ended, 1);
});

test('while nobody can be asked what runs goes on; the first answer afterwards counts', async () => {
  const { clock, state, begin } = setup();
  const told = begin();
  await clock.advance(2000);
  state.failure = new AppError('unavailable', 'The accounts are away.');
  state.revision += 1;
  await clock.advance(30_000);
  assert.equal(told.ended, 0);
  state.failure = null;
  state.identity = null;
  await clock.advance(1000);
  assert.equal(told.ended, 1);
});

test('a mistake of ours does not let anything go on', async () => {
  const { clock, state, begin } = setup();
  const told = begin(() => {
    throw new TypeError('a mistake');
  });
  await clock.advance(1000);
  assert.equal(told.ended, 1);
  assert.equal(state.logged, 1);
});

test('one that is over is forgotten, and with the last nobody looks any more', async () => {
  const { clock, asked, state, begin } = setup();
  const all = [begin(), begin()];
  for (const one of all) one.close();
  await clock.advance(1000);
  assert.equal(clock.sleepers, 0);
  state.revision += 1;
  await clock.advance(5000);
  assert.equal(asked.length, 0);
  // And the next one is looked after again.
  const next = begin(() => false);
  await clock.advance(1000);
  assert.equal(next.ended, 1);
});

test('a thousand are asked in slices, all of them within one look', async () => {
  const { clock, asked, begin } = setup();
  let together = 0;
  let most = 0;
  for (let count = 0; count < 1000; count += 1)
    begin(async () => {
      together += 1;
      most = Math.max(most, together);
      await Promise.resolve();
      together -= 1;
    });
  await clock.advance(1000);
  for (let turn = 0; turn < 10 && asked.length < 1000; turn += 1) await clock.settle();
  assert.equal(asked.length, 1000);
  assert.ok(most <= 50, `${most} at once`);
});
