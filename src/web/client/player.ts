// The scripts of a video's page. media-chrome's parts are listed one by one: only what is used is bundled.
import 'media-chrome/dist/media-control-bar.js';
import 'media-chrome/dist/media-controller.js';
import 'media-chrome/dist/media-fullscreen-button.js';
import 'media-chrome/dist/media-loading-indicator.js';
import 'media-chrome/dist/media-mute-button.js';
import 'media-chrome/dist/media-play-button.js';
import 'media-chrome/dist/media-time-display.js';
import 'media-chrome/dist/media-time-range.js';
import 'media-chrome/dist/media-volume-range.js';
import { KinoraCopyLink } from './copy-link.ts';
import { KinoraMarks } from './video-marks.ts';
import { KinoraPlayer } from './video-player.ts';

customElements.define('kinora-player', KinoraPlayer);
customElements.define('kinora-copy-link', KinoraCopyLink);
customElements.define('kinora-marks', KinoraMarks);
