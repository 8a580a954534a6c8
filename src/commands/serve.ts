// `kinora serve`: starts the program and ends it on a signal. The first signal drains (exit 0), a second one ends
// it at once (exit 1).
import { flushCompileCache } from 'node:module';
import { createApp } from '../app.ts';
import { systemClock } from '../clock.ts';
import { isAppError } from '../errors.ts';
import { createLog } from '../log.ts';
import { findServiceManager, pingWatchdog } from '../systemd.ts';
import { commandSettings } from './command-settings.ts';
import { welcome } from './welcome.ts';

/**
 * A terminal's Ctrl-C reaches this process twice, from the terminal and passed on by npm: what comes this soon
 * after the first is the same press.
 */
const samePressMs = 300;

export async function serve(words: readonly string[]): Promise<void> {
  if (words.length > 0) {
    console.error(`kinora: serve takes no arguments, got "${words.join(' ')}"`);
    process.exit(2);
  }
  const config = commandSettings();
  const log = await createLog(config.log);
  process.on('unhandledRejection', (reason) => {
    log.error({ err: reason }, 'a promise failed with nobody to hear it');
  });

  const app = await createApp(config, { clock: systemClock, log }).catch((error: unknown) => {
    if (!isAppError(error)) throw error;
    console.error(`kinora: ${error.message}`);
    process.exit(1);
  });

  // Where systemd started it, it waits for these words (deploy/systemd/).
  const manager = findServiceManager();
  const endPings = manager
    ? pingWatchdog(manager, app.isWell, (error) => {
        log.error({ err: error }, 'the stores do not answer, so the watchdog is told nothing');
      })
    : null;

  let firstSignalMs: number | null = null;
  const stop = (why: string) => {
    const nowMs = systemClock.monotonicMs();
    if (firstSignalMs !== null) {
      if (nowMs - firstSignalMs < samePressMs) return;
      log.warn(`${why} again: ending now`);
      process.exit(1);
    }
    firstSignalMs = nowMs;
    endPings?.();
    // What ends is not watched, or a long drain would be taken for a program that stands still.
    manager?.tell('STOPPING=1', 'WATCHDOG_USEC=0');
    log.info(`${why}: finishing what runs (at most ${config.server.drainMs / 1000} s)`);
    app.close().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'could not end cleanly');
        process.exit(1);
      },
    );
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => stop(signal));
  // Started by scripts/start.mjs on an older Node: when that process is gone, so is the reason to run.
  if (process.channel) {
    process.channel.unref();
    process.on('disconnect', () => stop('the process that started this is gone'));
  }

  // Who reads that it is ready may end it at once.
  manager?.tell('READY=1', `STATUS=open ${app.url}`);
  await welcome(app, config, log, process.stdout.isTTY === true);

  // At an ordinary end Node keeps what it compiled for the next start; a program that is killed would never get there.
  setImmediate(flushCompileCache);
}
