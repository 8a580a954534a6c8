// What tells those who run it of a camera that is silent: the state with its moment, the lines in the log, the metrics.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import pino from 'pino';
import { SilenceAlarm } from '../../src/cameras/silence-alarm.ts';
import { createMetrics } from '../../src/metrics/metrics.ts';
import { startCameraServer } from '../helpers/camera-server.ts';
import { createFakeClock } from '../helpers/fake-clock.ts';
import { numberedJpeg } from '../helpers/push-driver.ts';

type Line = {
  readonly level: number;
  readonly msg: string;
  readonly camera: string;
  readonly reason?: string;
  readonly silentMs?: number;
};

test('a camera that falls silent while watched is told once for each reason, and once when it is back', async () => {
  const server = await startCameraServer();
  const { clock, driver, cameras } = server;
  const alerts = () =>
    server.lines
      .map((line) => JSON.parse(line) as Line)
      .filter(({ level, msg }) => level === 40 && /signal|back/.test(msg));
  const viewing = cameras.watch('door', { onSample() {}, onEnd() {} });
  await clock.settle();
  driver.push(numberedJpeg(1));
  await clock.settle();
  assert.deepEqual(alerts(), []);
  const liveSinceMs = clock.nowMs();
  assert.equal(cameras.get('door')!.stateSinceMs, liveSinceMs);
  await clock.advance(10_000);
  const silentSinceMs = clock.nowMs();
  assert.deepEqual(
    alerts().map(({ msg, camera, reason }) => [msg, camera, reason]),
    [['camera without signal', 'door', 'No picture came for 10 seconds.']],
  );
  // It is tried again and stays silent: the same state, since the same moment, without a further line.
  await clock.advance(60_000);
  assert.equal(alerts().length, 1);
  assert.equal(cameras.get('door')!.stateSinceMs, silentSinceMs);
  while (driver.starts === driver.stops) await clock.advance(100);
  driver.fail(new Error('The cable is out.'));
  await clock.settle();
  assert.equal(alerts().at(-1)!.reason, 'The cable is out.');
  // Between two tries it hears nothing; the pauses are jittered.
  while (driver.starts === driver.stops) await clock.advance(100);
  driver.push(numberedJpeg(2));
  await clock.settle();
  const back = alerts().at(-1)!;
  assert.equal(back.msg, 'camera is back');
  assert.equal(back.silentMs, clock.nowMs() - silentSinceMs);
  assert.equal(cameras.get('door')!.state, 'live');
  viewing.close();
  await server.close();
});

test('a camera that comes and goes all the time writes six lines a minute, and counts the rest', async () => {
  const clock = createFakeClock();
  const lines: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) });
  const alarm = new SilenceAlarm({ clock, log, id: 'door' });
  for (let times = 0; times < 20; times += 1) {
    alarm.note('no-signal', 'Gone.');
    alarm.note('live', null);
  }
  assert.equal(lines.length, 6);
  await clock.advance(60_000);
  alarm.note('no-signal', 'Gone.');
  assert.equal(lines.length, 7);
  assert.equal((JSON.parse(lines[6]!) as { linesLeftOut: number }).linesLeftOut, 34);
});

test('metrics tell of each camera what came, what was lost, who watches and how old the newest picture is', async () => {
  const server = await startCameraServer();
  const { clock, driver, cameras } = server;
  const metrics = createMetrics({ cameras, clock });
  const read = async () => {
    const text = await metrics.read();
    return Object.fromEntries(
      [...text.matchAll(/^kinora_camera_(?!derived|made)(\w+)\{camera="door"\} (\S+)$/gm)].map(
        ([, name, value]) => [name, Number(value)],
      ),
    );
  };
  const none = { bytes_total: 0, dropped_total: 0, pictures_total: 0, refused_total: 0, restarts_total: 0 };
  assert.deepEqual(await read(), { ...none, viewers: 0, live: 0, silent: 0 });
  const viewing = cameras.watch('door', { onSample() {}, onEnd() {} });
  await clock.settle();
  for (const number of [1, 2]) driver.push(numberedJpeg(number, 500));
  driver.push(new Uint8Array(5));
  driver.push({ codec: 'aac', data: new Uint8Array(7), ptsMicros: 0, isKey: true });
  await clock.settle();
  viewing.countDropped(3);
  await clock.advance(4000);
  const live = {
    bytes_total: 1007,
    dropped_total: 3,
    pictures_total: 2,
    refused_total: 1,
    restarts_total: 0,
  };
  assert.deepEqual(await read(), { ...live, viewers: 1, live: 1, silent: 0, newest_age_seconds: 4 });
  driver.fail(new Error('Gone.'));
  await clock.advance(500);
  const silent = { ...live, restarts_total: 1, viewers: 1, live: 0, silent: 1, newest_age_seconds: 4.5 };
  assert.deepEqual(await read(), silent);
  viewing.close();
  await clock.advance(20_000);
  assert.equal((await read()).newest_age_seconds, undefined, 'off is not late');
  await server.close();
});
