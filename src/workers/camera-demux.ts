// Opens a camera, file or device with FFmpeg and sends its samples: pictures and sound that browsers take as they
// are, the rest encoded. Runs in the camera's process only. Memory: FFmpeg's own and a sample.
import {
  AV_CODEC_ID_MJPEG,
  AV_DISPOSITION_ATTACHED_PIC,
  AV_NOPTS_VALUE,
  AVDISCARD_ALL,
  AVERROR_EAGAIN,
  AVERROR_EOF,
  AVMEDIA_TYPE_AUDIO,
  AVMEDIA_TYPE_VIDEO,
  AVSEEK_FLAG_BACKWARD,
} from 'node-av/constants';
import { Dictionary, FormatContext, InputFormat, Packet, type Stream } from 'node-av/lib';
import { systemClock } from '../clock.ts';
import type { DemuxSource } from './camera-messages.ts';
import type { CameraReader, SendSample } from './camera-output.ts';
import { check, ReadError } from './engine.ts';
import { createPacketJoiner, type PacketJoiner } from './packet-joiner.ts';
import { createPacketReader } from './packet-reader.ts';
import type { WireSample } from './sample-wire.ts';
import { createSoundReader, type SoundReader } from './sound-reader.ts';
import { type CodedPicture, createVideoReader, type VideoReader } from './video-reader.ts';

/** A camera sends every few milliseconds: reading gets so long to come round before it is interrupted. */
const politeStopMs = 150;
/** A camera that is not open by then does not open; just before the hub gives it up for silence. */
const longestOpenMs = 8000;
/** Larger samples are not sent: the server takes none. */
const maxSampleBytes = 16 * 1024 * 1024;
/** A file's clock that is later than this is set anew, instead of running after what was missed. */
const maxLateMs = 500;
/** The length of a packet that tells none: 25 pictures a second. */
const usualPacketMicros = 40_000;
/** A file that goes round faster than this is a single picture. */
const leastRoundMicros = 40_000;
/** Packets in a row that nothing comes of: the input is damaged, or says nothing for ever. */
const maxUselessPackets = 20_000;

type Lane = {
  readonly stream: Stream;
  readonly reader:
    | { readonly kind: 'video'; readonly video: VideoReader }
    | { readonly kind: 'sound'; readonly sound: SoundReader };
  readonly joiner: PacketJoiner | null;
  readonly microsPerTick: number;
  lastMicros: number;
};

export function createDemuxReader(source: DemuxSource, onOpened: () => void): CameraReader {
  // Kept for good: node-av 6.1.1 frees a Dictionary that opening has taken a second time when it is collected.
  const options: Dictionary[] = [];
  let isStopping = false;
  let input: FormatContext | null = null;

  const open = async (): Promise<FormatContext> => {
    const format = source.format === null ? null : InputFormat.findInputFormat(source.format);
    if (source.format !== null && !format)
      throw new ReadError('open', 'DEMUXER_NOT_FOUND', `no demuxer ${source.format}`);
    const opening = new FormatContext();
    opening.allocContext();
    const given = Dictionary.fromObject({
      ...source.options,
      ...(source.isDescribed && { fflags: 'noparse+nofillin' }),
      protocol_whitelist: source.protocols,
      ...(source.formats !== null && { format_whitelist: source.formats }),
    });
    options.push(given);
    input = opening;
    const startedAtMs = systemClock.monotonicMs();
    // FFmpeg's own timeout never comes for a camera that goes on sending what is nothing.
    const deadline = setTimeout(() => opening.interrupt(), longestOpenMs);
    const answer = await opening.openInput(source.url, format, given);
    clearTimeout(deadline);
    // FFmpeg's RTSP says “invalid data” of a camera that says nothing.
    const timeoutMs = Math.min(
      longestOpenMs,
      Number(source.options.timeout ?? Number.POSITIVE_INFINITY) / 1000,
    );
    if (answer < 0 && systemClock.monotonicMs() - startedAtMs >= timeoutMs - 1)
      throw new ReadError('open', 'ETIMEDOUT', 'opening it took too long');
    check(answer, 'opening it', 'open');
    if (!source.isDescribed) check(await opening.findStreamInfo(), 'finding its streams', 'open');
    return opening;
  };

  return {
    async run(send) {
      const opened = await open();
      if (isStopping) return;
      onOpened();
      const rounds = new Rounds(source.pace === 'loop');
      const lanes = openLanes(opened, rounds, source.isDescribed ?? false);
      for (;;) {
        await readOnce(opened, lanes, rounds, send, source.pace === 'live', () => isStopping);
        if (isStopping) break;
        if (source.pace === 'live') throw new ReadError('read', 'EOF', 'the end of the stream');
        rounds.endRound();
        check(await opened.seekFrame(-1, startOf(opened), AVSEEK_FLAG_BACKWARD), 'going back to the start');
      }
      // Closes the connection. node-av 6.1.1 interrupts FFmpeg for it, so that RTSP's TEARDOWN is not sent.
      await opened.closeInput();
    },
    stop() {
      isStopping = true;
      setTimeout(() => input?.interrupt(), politeStopMs);
    },
  };
}

function startOf(input: FormatContext): bigint {
  return input.startTime === AV_NOPTS_VALUE ? 0n : input.startTime;
}

/** The clock of an input: as it is where it is live; one that goes on over the rounds, at its pace, for a file. */
class Rounds {
  readonly #isPaced: boolean;
  #offsetMicros = 0;
  #startMicros: number | null = null;
  #endMicros = 0;
  #baseMs: number | null = null;

  constructor(isPaced: boolean) {
    this.#isPaced = isPaced;
  }

  /** The server's time for the input's own. */
  timeOf(micros: number): number {
    if (!this.#isPaced) return Math.round(micros);
    this.#startMicros ??= micros;
    return Math.round(micros - this.#startMicros + this.#offsetMicros);
  }

  noteEnd(micros: number): void {
    this.#endMicros = Math.max(this.#endMicros, micros);
  }

  endRound(): void {
    this.#offsetMicros = Math.max(this.#endMicros, this.#offsetMicros + leastRoundMicros);
    this.#startMicros = null;
  }

  /** Waits until a sample of this time is due. */
  async wait(micros: number): Promise<void> {
    if (!this.#isPaced) return;
    const nowMs = systemClock.monotonicMs();
    this.#baseMs ??= nowMs - micros / 1000;
    const aheadMs = this.#baseMs + micros / 1000 - nowMs;
    if (aheadMs > 1) await systemClock.sleep(aheadMs);
    else if (aheadMs < -maxLateMs) this.#baseMs -= aheadMs;
  }
}

/** Reads to the end of the input, or until told to stop. Throws a `ReadError` where it breaks or is of no use. */
async function readOnce(
  input: FormatContext,
  lanes: ReadonlyMap<number, Lane>,
  rounds: Rounds,
  send: SendSample,
  isLive: boolean,
  isStopping: () => boolean,
): Promise<void> {
  const packet = new Packet();
  packet.alloc();
  const packets = createPacketReader(input, packet, isLive, systemClock);
  const made: WireSample[] = [];
  const take = (sample: WireSample) => {
    if (sample.data.length > 0 && sample.data.length <= maxSampleBytes) made.push(sample);
  };
  let useless = 0;
  let sent = 0;
  const flush = async () => {
    for (const sample of made) await send(sample);
    sent += made.length;
    made.length = 0;
  };
  try {
    while (!isStopping()) {
      // Hot path: hundreds of packets a second, so that nothing is awaited that need not be.
      const answer = packets.next();
      const got = typeof answer === 'number' ? answer : await answer;
      if (isStopping() || got === AVERROR_EOF) break;
      if (got === AVERROR_EAGAIN) {
        await systemClock.sleep(1);
        continue;
      }
      check(got, 'reading');
      const lane = lanes.get(packet.streamIndex);
      const whole = lane?.joiner ? lane.joiner.push(packet) : packet;
      if (lane && whole) {
        const times = timesOf(whole, lane, rounds);
        if (lane.reader.kind === 'video') lane.reader.video.push(whole, times, take);
        else lane.reader.sound.push(packet, times.ptsMicros, take);
        // By the decode times, which never go back in a file.
        if (!isLive) await rounds.wait(times.dtsMicros);
      }
      packet.unref();
      useless = made.length > 0 ? 0 : useless + 1;
      if (useless > maxUselessPackets)
        throw new ReadError('read', 'INVALIDDATA', 'nothing comes of its packets');
      if (made.length > 0) await flush();
      const turn = packets.turn(lane?.joiner != null && whole !== null);
      if (turn) await turn;
    }
    if (isStopping()) return;
    for (const { reader, lastMicros } of lanes.values()) {
      if (reader.kind === 'video')
        reader.video.push(null, { ptsMicros: lastMicros, dtsMicros: lastMicros }, take);
    }
    await flush();
    if (sent === 0) throw new ReadError('read', 'NO_PICTURE', 'no sample in all of it');
  } finally {
    packet.free();
  }
}

/** The pictures' stream and the sound's, by their number. Throws `NO_PICTURE` where there are no pictures. */
function openLanes(input: FormatContext, rounds: Rounds, isInPieces: boolean): ReadonlyMap<number, Lane> {
  const lanes = new Map<number, Lane>();
  const { streams } = input;
  const video = streams.find(
    ({ codecpar, disposition }) =>
      codecpar.codecType === AVMEDIA_TYPE_VIDEO && (disposition & AV_DISPOSITION_ATTACHED_PIC) === 0,
  );
  if (!video) throw new ReadError('open', 'NO_PICTURE', 'no stream of pictures');
  const sound = streams.find(({ codecpar }) => codecpar.codecType === AVMEDIA_TYPE_AUDIO);
  const microsPerTick = ({ timeBase }: Stream) => (timeBase.num * 1e6) / timeBase.den;
  const perTick = microsPerTick(video);
  lanes.set(video.index, {
    stream: video,
    reader: {
      kind: 'video',
      video: createVideoReader(video.codecpar, (ticks) => rounds.timeOf(Number(ticks) * perTick)),
    },
    // JPEG over RTP is put together by FFmpeg (RFC 2435).
    joiner: isInPieces && video.codecpar.codecId !== AV_CODEC_ID_MJPEG ? createPacketJoiner() : null,
    microsPerTick: perTick,
    lastMicros: 0,
  });
  if (sound) {
    const reader = openSound(sound);
    if (reader)
      lanes.set(sound.index, {
        stream: sound,
        reader: { kind: 'sound', sound: reader },
        joiner: null,
        microsPerTick: microsPerTick(sound),
        lastMicros: 0,
      });
  }
  for (const stream of streams) if (!lanes.has(stream.index)) stream.discard = AVDISCARD_ALL;
  return lanes;
}

/** A sound that cannot be read takes nothing from the pictures. */
function openSound(stream: Stream): SoundReader | null {
  try {
    return createSoundReader(stream.codecpar);
  } catch (error) {
    if (error instanceof ReadError) return null;
    throw error;
  }
}

function timesOf(packet: CodedPicture, lane: Lane, rounds: Rounds): { ptsMicros: number; dtsMicros: number } {
  const { pts, dts, duration } = packet;
  const timeOf = (ticks: bigint) => rounds.timeOf(Number(ticks) * lane.microsPerTick);
  const lengthMicros = duration > 0n ? Number(duration) * lane.microsPerTick : usualPacketMicros;
  const dtsMicros =
    dts !== AV_NOPTS_VALUE
      ? timeOf(dts)
      : pts !== AV_NOPTS_VALUE
        ? timeOf(pts)
        : lane.lastMicros + lengthMicros;
  const ptsMicros = pts === AV_NOPTS_VALUE ? dtsMicros : timeOf(pts);
  lane.lastMicros = dtsMicros;
  rounds.noteEnd(Math.round(Math.max(ptsMicros, dtsMicros) + lengthMicros));
  return { ptsMicros: Math.round(ptsMicros), dtsMicros: Math.round(dtsMicros) };
}
