// A text as a QR code (ISO/IEC 18004): one path of an inline SVG, dark on light whatever the colours of the page, with
// the quiet zone of four modules that §6.3.8 asks for. No style of its own, so that a strict policy lets it pass.
import { html } from 'ghtml';

/** Modules of nothing around the code. */
const quiet = 4;

/** Longer ones are too dense for a phone across a room; our addresses have at most some 200 characters. */
const maxChars = 800;

/** `label` says what it leads to: it is a picture. Throws for a text too long to be read off a screen. */
export async function qrCode(text: string, label: string): Promise<string> {
  if (text.length > maxChars) throw new Error(`A QR code of ${text.length} characters cannot be read.`);
  const { encode } = await import('uqr');
  const { data, size } = encode(text, { ecc: 'M', border: 0 });
  const side = size + quiet * 2;
  const rows = data.map((row, y) =>
    runsOf(row).map(([x, width]) => `M${x + quiet} ${y + quiet}h${width}v1h-${width}z`),
  );
  return html`<svg class="qr" viewBox="0 0 ${side} ${side}" role="img" aria-label="${label}" shape-rendering="crispEdges"><rect class="paper" width="${side}" height="${side}"/><path class="ink" d="${rows.flat().join('')}"/></svg>`;
}

/** Neighbouring dark modules of a row as one: where it begins and how wide it is. */
function runsOf(row: readonly boolean[]): [x: number, width: number][] {
  const runs: [number, number][] = [];
  for (const [x, isDark] of row.entries()) {
    const last = runs.at(-1);
    if (isDark && last && last[0] + last[1] === x) last[1] += 1;
    else if (isDark) runs.push([x, 1]);
  }
  return runs;
}
