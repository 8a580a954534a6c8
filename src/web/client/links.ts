// The scripts of the page that makes guest links.
import { KinoraCopyText } from './copy-text.ts';

customElements.define('kinora-copy-text', KinoraCopyText);
