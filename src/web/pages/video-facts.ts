// What is known of a video's file, folded away under the player.
import { html } from 'ghtml';
import type { TrackSummary, Video } from '../../catalogue/catalogue.ts';
import type { View } from '../view.ts';

const codecNames: Readonly<Record<string, string>> = {
  ...{ avc: 'H.264', hevc: 'HEVC', vp8: 'VP8', vp9: 'VP9', av1: 'AV1', mjpeg: 'Motion JPEG' },
  ...{ aac: 'AAC', mp3: 'MP3', opus: 'Opus', vorbis: 'Vorbis', flac: 'FLAC', pcm: 'PCM' },
  ...{ ac3: 'AC-3', eac3: 'E-AC-3', dts: 'DTS', truehd: 'TrueHD', mpeg4: 'MPEG-4', mpeg2: 'MPEG-2' },
};

const containerNames: Readonly<Record<string, string>> = {
  ...{ matroska: 'Matroska', webm: 'WebM', mp4: 'MP4', mov: 'QuickTime', avi: 'AVI', mpegts: 'MPEG-TS' },
};

const kindNames = { video: 'Picture', audio: 'Sound', subtitle: 'Subtitles' } as const;

/** Most tracks shown; a hostile file may have thousands. */
const maxTracks = 32;

export function aboutFile(view: View, video: Video): string {
  const container = video.container === null ? null : (containerNames[video.container] ?? video.container);
  const tracks = video.tracks.slice(0, maxTracks);
  return html`<details class="about"><summary>About this file</summary>
<dl class="pairs">
!${pair('File name', html`<bdi>${video.fileName}</bdi>`)}
!${container ? pair('Kind', html`${container}`) : ''}
!${tracks.map((track) => pair(kindNames[track.kind], html`<bdi>${trackFacts(view, track)}</bdi>!${track.obstacle ? html`<small>${track.obstacle}</small>` : ''}`))}
!${pair('Added', html`<time datetime="${new Date(video.addedAtMs).toISOString()}" lang="${view.formats.locale}">${view.formats.moment(video.addedAtMs)}</time>`)}
!${video.sizeBytes === null ? '' : pair('Size', html`${view.formats.count(video.sizeBytes)} bytes`)}
</dl></details>`;
}

function pair(name: string, markup: string): string {
  return html`<div><dt>${name}</dt><dd>!${markup}</dd></div>`;
}

function trackFacts(view: View, track: TrackSummary): string {
  const facts = [codecNames[track.codec] ?? track.codecName];
  if (track.width > 0) facts.push(`${track.width} × ${track.height}`);
  if (track.channels > 0) facts.push(channelsOf(track.channels));
  if (track.sampleRate > 0) facts.push(`${view.formats.count(track.sampleRate / 1000)} kHz`);
  if (track.language && track.language !== 'und') facts.push(track.language);
  if (track.name) facts.push(track.name);
  return facts.join(', ');
}

function channelsOf(channels: number): string {
  const names: Readonly<Record<number, string>> = { 1: 'mono', 2: 'stereo', 6: '5.1', 8: '7.1' };
  return names[channels] ?? `${channels} channels`;
}
