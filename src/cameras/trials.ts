// What is done about cameras that need not be cameras of the house yet: trying one out, the modes of a device, looking
// for some. Done by a process with the role `camera`: this one, or one that is asked.
import type { Clock } from '../clock.ts';
import { AppError, isAppError } from '../errors.ts';
import { loadChecked } from './camera-entry.ts';
import type { CameraTest, DeviceMode, FoundCamera } from './cameras.ts';
import type { ClusterCameras } from './cluster/cluster-cameras.ts';
import { readFound, readModes, readTest, writeTest } from './cluster/trial-answers.ts';
import { type DiscoverySetup, discoverCameras } from './discovery/discover-cameras.ts';
import type { DriverModule, DriverOptions } from './driver.ts';
import { listV4l2Modes } from './drivers/v4l2.ts';
import type { SecretBox } from './secret-box.ts';
import { tryCamera } from './try-camera.ts';

/** Most cameras tried out at once: each runs a driver. */
const maxTests = 4;

/** Trying one out takes ten seconds at most, looking for some three. */
const testMs = 20_000;
const searchMs = 8000;
const modesMs = 15_000;
const tellMs = 2000;
/** A picture of 16 MB as base64. */
const mostTestBytes = 24 * 1024 * 1024;

/** What the options of a camera to try are sealed for on their way: no camera has such an id. */
const sealedFor = 'a camera to try';

type Candidate = { readonly driver: string; readonly options: DriverOptions };

export type Trials = {
  /** As `Cameras.test`, its options checked already. */
  test(candidate: Candidate, signal: AbortSignal): Promise<CameraTest>;
  deviceModes(device: string, signal: AbortSignal): Promise<readonly DeviceMode[]>;
  discover(signal: AbortSignal): Promise<readonly FoundCamera[]>;
  /** What another process asks for: done here. Throws `bad-request` at what is no such question. */
  answer(name: string, question: unknown, signal: AbortSignal): Promise<unknown>;
  /** The processes that own cameras are to look again. Does not wait for them. */
  tellOwners(cameraIds: readonly string[]): void;
};

export type TrialsSetup = {
  readonly clock: Clock;
  readonly load: (driver: string) => Promise<DriverModule>;
  readonly box: SecretBox;
  readonly cluster: ClusterCameras | null;
  readonly isOwner: boolean;
  readonly discovery?: Omit<DiscoverySetup, 'clock'>;
  /** Aborts when the program ends. */
  readonly closing: AbortSignal;
};

export function createTrials(setup: TrialsSetup): Trials {
  const { clock, load, box, cluster, isOwner, closing } = setup;
  let tests = 0;

  const testHere = async (candidate: Candidate, signal: AbortSignal): Promise<CameraTest> => {
    const module = await loadChecked(candidate, load);
    if (tests >= maxTests)
      throw new AppError('too-many', 'Other cameras are being tested; try again in a moment.');
    tests += 1;
    try {
      return await tryCamera(module, candidate.options, clock, AbortSignal.any([signal, closing]));
    } finally {
      tests -= 1;
    }
  };
  const modesHere = (device: string, signal: AbortSignal) =>
    listV4l2Modes(device, { clock, signal: AbortSignal.any([signal, closing]) });
  const searchHere = (signal: AbortSignal) =>
    discoverCameras({ ...setup.discovery, clock }, AbortSignal.any([signal, closing]));

  /** Processes that can be asked, those with least to do first. */
  const others = () => [...(cluster?.others() ?? [])].sort((a, b) => a.load - b.load);
  const ask = (url: string, name: string, question: unknown, timeoutMs: number, signal: AbortSignal) =>
    cluster!.calls.ask(url, `calls/${name}`, question, {
      ...{ timeoutMs, signal: AbortSignal.any([signal, closing]), mostBytes: mostTestBytes },
    });
  /** The first answer of those asked one after the other; what the last one said where all failed. */
  const askInTurn = async <Answer>(work: (url: string) => Promise<Answer>): Promise<Answer> => {
    let failure: unknown = new AppError(
      'unavailable',
      'No process that runs cameras can be reached at the moment.',
    );
    for (const { url } of others()) {
      try {
        return await work(url);
      } catch (error) {
        if (!isAppError(error, 'unavailable')) throw error;
        failure = error;
      }
    }
    throw failure;
  };

  return {
    async test(candidate, signal) {
      if (isOwner) return testHere(candidate, signal);
      const { driver } = candidate;
      // Passwords go sealed, as they are stored.
      const options = await box.seal(sealedFor, candidate.options);
      return readTest(
        await askInTurn((url) => ask(url, 'test', { driver, options }, testMs, signal)),
        clock.nowMs(),
      );
    },
    async deviceModes(device, signal) {
      if (!isOwner)
        return readModes(await askInTurn((url) => ask(url, 'modes', { device }, modesMs, signal)));
      try {
        return await modesHere(device, signal);
      } catch (error) {
        // The device may be at another machine.
        if (!isAppError(error, 'unavailable') || others().length === 0) throw error;
        return readModes(await askInTurn((url) => ask(url, 'modes', { device }, modesMs, signal)));
      }
    },
    async discover(signal) {
      const asked = others().map(async ({ url }) =>
        readFound(await ask(url, 'discover', {}, searchMs, signal)),
      );
      const answers = await Promise.allSettled([...(isOwner ? [searchHere(signal)] : []), ...asked]);
      signal.throwIfAborted();
      const found = new Map<string, FoundCamera>();
      for (const answer of answers) {
        if (answer.status === 'rejected') {
          if (!isAppError(answer.reason)) throw answer.reason;
          continue;
        }
        for (const camera of answer.value)
          found.set(JSON.stringify([camera.kind, camera.address, camera.name]), camera);
      }
      return [...found.values()];
    },
    async answer(name, question, signal) {
      const given = (question ?? {}) as Readonly<Record<string, unknown>>;
      if (name === 'test') {
        const { driver, options } = given;
        if (typeof driver !== 'string' || typeof options !== 'object' || options === null) throw noQuestion();
        const open = await box.open(sealedFor, options as DriverOptions);
        return writeTest(await testHere({ driver, options: open }, signal));
      }
      if (name === 'modes') {
        if (typeof given.device !== 'string') throw noQuestion();
        return modesHere(given.device, signal);
      }
      if (name === 'discover') return searchHere(signal);
      throw noQuestion();
    },
    tellOwners(cameras) {
      for (const { url } of others())
        cluster!.calls.ask(url, 'calls/look', { cameras }, { timeoutMs: tellMs }).catch((error) => {
          if (!isAppError(error)) throw error;
        });
    },
  };
}

function noQuestion(): AppError {
  return new AppError('bad-request', 'This is no question; the processes are of different versions.');
}
