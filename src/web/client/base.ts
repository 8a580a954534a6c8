// What every page gets: keys, arrows, local moments, live cards, and uploads from anywhere. Everything here makes
// a page nicer that already works without it.
import { startAccountMenu } from './account-menu.ts';
import { startArrows } from './arrows.ts';
import { startKeys } from './keys.ts';
import { startLeavingNothing } from './left-behind.ts';
import { startLiveCards } from './live-cards.ts';
import { localizeMoments } from './moments.ts';
import { KinoraUploadPlace } from './upload-place.ts';
import { KinoraUploads } from './uploads.ts';

document.documentElement.classList.add('has-scripts');
customElements.define('kinora-upload-place', KinoraUploadPlace);
customElements.define('kinora-uploads', KinoraUploads);
startKeys();
startAccountMenu();
startLeavingNothing();
startArrows();
startLiveCards();
localizeMoments(document);
