// The wall's stream on a real listener with real sockets, under a clock the test moves.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CameraServer, startCameraServer } from '../helpers/camera-server.ts';
import { createPushDriver, numberedJpeg, type PushDriver } from '../helpers/push-driver.ts';
import { until } from '../helpers/until.ts';
import { viewWall } from '../helpers/wall-viewer.ts';

type Wall = CameraServer & { readonly drivers: ReadonlyMap<string, PushDriver> };

/** A server with cameras of these ids, each with a driver of its own. */
async function startWall(ids: readonly string[]): Promise<Wall> {
  const drivers = new Map(ids.map((id) => [id, createPushDriver()]));
  const server = await startCameraServer({
    load: async () => ({
      samples: (options, context) => drivers.get(String(options.of))!.samples(options, context),
    }),
  });
  for (const id of ids)
    await server.cameras.add({ id, name: id.toUpperCase(), driver: 'images', options: { of: id } });
  return { ...server, drivers };
}

const driverOf = (wall: Wall, id: string) => wall.drivers.get(id)!;

async function started(wall: Wall, ids: readonly string[]): Promise<void> {
  await until(() => ids.every((id) => driverOf(wall, id).starts === 1), { what: 'the start of all cameras' });
}

test('one connection carries the pictures and states of the cameras asked for, and of no other', async () => {
  const wall = await startWall(['porch', 'garden', 'attic']);
  const viewer = await viewWall(wall.port, 'show=porch:320,garden:640');
  await started(wall, ['porch', 'garden']);
  for (const id of ['porch', 'garden'])
    for (const number of [1, 2]) {
      driverOf(wall, id).push(numberedJpeg(number));
      await until(() => viewer.numbers(id).at(-1) === number);
      await wall.clock.advance(200);
    }
  assert.match(viewer.head(), /^HTTP\/1\.1 200 OK\r\n/);
  assert.match(viewer.head(), /^content-type: multipart\/mixed; boundary=frame\r?$/im);
  assert.match(viewer.head(), /^cache-control: no-store/im);
  assert.deepEqual(viewer.numbers('porch'), [1, 2]);
  assert.deepEqual(viewer.numbers('garden'), [1, 2]);
  assert.deepEqual(viewer.states('porch'), ['starting', 'live']);
  assert.equal(driverOf(wall, 'attic').starts, 0, 'a camera out of view is not started');
  driverOf(wall, 'garden').fail(new Error('The camera refuses the user name or password.'));
  await until(() => viewer.states('garden').at(-1) === 'no-signal');
  const said = viewer.parts.findLast((part) => part.kind === 'state' && part.value.id === 'garden');
  assert.equal(said?.kind === 'state' && said.value.message, 'The camera refuses the user name or password.');
  viewer.close();
  await until(() => wall.cameras.get('porch')!.viewers === 0, { what: 'leaving' });
  await wall.close();
});

test('a camera that is faster than the wall is thinned out to its rate', async () => {
  const wall = await startWall(['porch']);
  const viewer = await viewWall(wall.port, 'show=porch&fps=5');
  await started(wall, ['porch']);
  for (let number = 0; number < 50; number += 1) {
    driverOf(wall, 'porch').push(numberedJpeg(number));
    await wall.clock.advance(40);
  }
  await until(() => viewer.numbers('porch').at(-1)! >= 45);
  // 25 pictures a second for two seconds, five of which are wanted each.
  assert.deepEqual(viewer.numbers('porch'), [0, 5, 10, 15, 20, 25, 30, 35, 40, 45]);
  assert.equal(
    wall.cameras.figures().find(({ id }) => id === 'porch')!.dropped,
    0,
    'none of them was a loss',
  );
  viewer.close();
  await wall.close();
});

test('who asks anew gets the newest picture at once, but not the one it shows already', async () => {
  const wall = await startWall(['porch', 'garden']);
  const first = await viewWall(wall.port, 'show=porch,garden');
  await started(wall, ['porch', 'garden']);
  for (const id of ['porch', 'garden']) driverOf(wall, id).push(numberedJpeg(7));
  await until(() => first.numbers('porch').length === 1 && first.numbers('garden').length === 1);
  const shown = first.parts.find((part) => part.kind === 'picture' && part.id === 'porch');
  assert.ok(shown?.kind === 'picture');
  const second = await viewWall(wall.port, `show=porch:320:${shown.sequence},garden:320`);
  await until(() => second.numbers('garden').length === 1 && second.states('porch').length === 1);
  first.close();
  await wall.clock.advance(200);
  driverOf(wall, 'porch').push(numberedJpeg(8));
  await until(() => second.numbers('porch').length === 1);
  assert.deepEqual(second.numbers('porch'), [8]);
  assert.equal(driverOf(wall, 'porch').starts, 1, 'the camera never stopped');
  second.close();
  await wall.close();
});

test('numbers that a page still holds from before a restart hide no picture', async () => {
  const wall = await startWall(['porch']);
  const viewer = await viewWall(wall.port, 'show=porch:320:987654');
  await started(wall, ['porch']);
  driverOf(wall, 'porch').push(numberedJpeg(1));
  await until(() => viewer.numbers('porch').length === 1);
  viewer.close();
  await wall.close();
});

test('a slow reader gets the newest of every camera when it reads on; none twice, losses counted, others unchanged', async () => {
  const ids = ['porch', 'garden', 'attic'];
  const wall = await startWall(ids);
  const quick = await viewWall(wall.port, `show=${ids}&fps=30`);
  const slow = await viewWall(wall.port, `show=${ids}&fps=30`, { isStalled: true });
  await started(wall, ids);
  const rounds = 30;
  for (let number = 1; number <= rounds; number += 1) {
    for (const id of ids) driverOf(wall, id).push(numberedJpeg(number, 1_000_000));
    await until(() => ids.every((id) => quick.numbers(id).at(-1) === number), { what: `round ${number}` });
    await wall.clock.advance(100);
  }
  slow.resume();
  await until(() => ids.every((id) => slow.numbers(id).at(-1) === rounds), { what: 'the newest of all' });
  let lost = 0;
  for (const id of ids) {
    const numbers = slow.numbers(id);
    assert.deepEqual(
      quick.numbers(id),
      Array.from({ length: rounds }, (_, index) => index + 1),
    );
    assert.deepEqual(
      numbers,
      [...new Set(numbers)].sort((a, b) => a - b),
      `${id}: in order, none twice`,
    );
    assert.ok(numbers.length < rounds / 2, `${id}: ${numbers.length} pictures were in flight or newest`);
    lost += rounds - numbers.length;
  }
  const dropped = () => wall.cameras.figures().reduce((sum, camera) => sum + camera.dropped, 0);
  await until(() => dropped() === lost, { what: 'the count of losses' });
  quick.close();
  slow.close();
  await wall.close();
});

test('a stalled reader is closed after thirty seconds, with a picture in flight and nothing in store', async () => {
  const wall = await startWall(['porch']);
  const stalled = await viewWall(wall.port, 'show=porch&fps=30', { isStalled: true });
  await started(wall, ['porch']);
  for (let number = 1; number <= 20; number += 1) {
    driverOf(wall, 'porch').push(numberedJpeg(number, 1_000_000));
    await wall.clock.advance(100);
  }
  await wall.clock.advance(25_000);
  assert.equal(wall.cameras.get('porch')!.viewers, 1);
  await wall.clock.advance(10_000);
  await until(() => wall.cameras.get('porch')!.viewers === 0, { what: 'the end of the stalled reader' });
  stalled.close();
  await wall.close();
});

test('a silent wall gives signs of life, and one whose cameras were removed says so and ends', async () => {
  const wall = await startWall(['porch']);
  const viewer = await viewWall(wall.port, 'show=porch,nowhere');
  await started(wall, ['porch']);
  await until(() => viewer.states('nowhere').includes('removed'));
  const signs = () =>
    viewer.parts.filter((part) => part.kind === 'state' && Object.keys(part.value).length === 0).length;
  await wall.clock.advance(10_000);
  await until(() => signs() >= 1, { what: 'a sign of life' });
  await wall.cameras.remove('porch');
  await until(() => viewer.isClosed, { what: 'the end' });
  assert.equal(viewer.states('porch').at(-1), 'removed');
  await wall.close();
});

const refused = [
  ['nothing', 'fps=5'],
  ['an empty list', 'show='],
  ['what is no id', 'show=porch,../etc'],
  ['a width that is none', 'show=porch:wide'],
  ['65 cameras', `show=${Array.from({ length: 65 }, (_, index) => `c${index}`)}`],
  ['more than thirty pictures a second', 'show=porch&fps=31'],
] as const;
for (const [what, query] of refused) {
  test(`a wall of ${what} is refused with 400`, async () => {
    const wall = await startWall(['porch']);
    const answer = await fetch(`${wall.url}/cameras/wall.multipart?${query}`);
    assert.equal(answer.status, 400);
    await answer.arrayBuffer();
    assert.equal(driverOf(wall, 'porch').starts, 0);
    await wall.close();
  });
}

test('HEAD tells the type and starts nothing', async () => {
  const wall = await startWall(['porch']);
  const answer = await fetch(`${wall.url}/cameras/wall.multipart?show=porch`, { method: 'HEAD' });
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get('content-type')!, /^multipart\/mixed/);
  assert.equal(driverOf(wall, 'porch').starts, 0);
  await wall.close();
});
