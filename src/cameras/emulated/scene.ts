// Draws the pictures of the emulated camera: `node src/cameras/emulated/scene.ts`, with Chromium at hand. The program
// never runs this; the pictures it made stand beside it. Everything moves in whole rounds of the loop, so that the
// last picture leads into the first.
import { writeFileSync } from 'node:fs';
import { chromium } from 'playwright-core';

/** Four seconds at ten pictures a second. */
const count = 40;
const [width, height] = [640, 360];
/** Keeps all of them under 600 KB. */
const quality = 0.45;

/** Runs in the page: draws picture `number` and returns it as a data URL. */
function draw([number, count, width, height, quality]: [number, number, number, number, number]): string {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const c = canvas.getContext('2d')!;
  const turn = (number / count) * 2 * Math.PI;
  const share = number / count;
  // The same "random" numbers in every picture.
  let seed = 7;
  const random = () => {
    seed = (seed * 16807) % 2147483647;
    return seed / 2147483647;
  };
  const box = (x: number, y: number, w: number, h: number, color: string) => {
    c.fillStyle = color;
    c.fillRect(x, y, w, h);
  };
  const glow = (x: number, y: number, radius: number, color: string, strength: number) => {
    const light = c.createRadialGradient(x, y, 0, x, y, radius);
    light.addColorStop(0, `rgba(${color},${strength})`);
    light.addColorStop(1, `rgba(${color},0)`);
    c.fillStyle = light;
    c.fillRect(x - radius, y - radius, 2 * radius, 2 * radius);
  };

  const sky = c.createLinearGradient(0, 0, 0, 250);
  sky.addColorStop(0, '#0b1026');
  sky.addColorStop(0.7, '#1f2547');
  sky.addColorStop(1, '#3b3358');
  box(0, 0, width, height, '#0b1026');
  c.fillStyle = sky;
  c.fillRect(0, 0, width, 260);
  for (let star = 0; star < 70; star++) {
    const [x, y, size] = [random() * width, random() * 150, 0.5 + random()];
    const rounds = 1 + Math.floor(random() * 3);
    c.globalAlpha = 0.35 + 0.35 * Math.sin(rounds * turn + random() * 6);
    box(x, y, size, size, '#fff');
  }
  c.globalAlpha = 1;
  glow(520, 66, 90, '250,236,200', 0.28);
  // A crescent: one circle without another.
  c.save();
  c.beginPath();
  c.rect(0, 0, width, height);
  c.arc(511, 60, 19, 0, 7);
  c.clip('evenodd');
  c.fillStyle = '#f6ecd0';
  c.beginPath();
  c.arc(520, 66, 22, 0, 7);
  c.fill();
  c.restore();

  // Houses: some windows are lit, a few of them flicker as a television does.
  const colors = ['#23223f', '#2b2444', '#1d2340', '#312743', '#262a4a'];
  let x = -10;
  for (let house = 0; x < width; house++) {
    const [w, h] = [62 + random() * 40, 95 + random() * 80];
    const top = 262 - h;
    box(x, top, w, h, colors[house % colors.length]!);
    c.fillStyle = colors[(house + 2) % colors.length]!;
    c.beginPath();
    c.moveTo(x - 3, top);
    c.lineTo(x + w / 2, top - 22 - random() * 12);
    c.lineTo(x + w + 3, top);
    c.fill();
    for (let row = top + 14; row < 225; row += 27) {
      for (let column = x + 10; column < x + w - 16; column += 21) {
        const [isLit, isTelevision] = [random() < 0.48, random() < 0.14];
        const flicker = 0.65 + 0.2 * Math.sin(3 * turn + column) + 0.15 * Math.sin(7 * turn + row);
        if (isTelevision) {
          box(column, row, 11, 15, `rgba(120,170,255,${flicker})`);
          glow(column + 5, row + 7, 20, '120,170,255', 0.18 * flicker);
        } else if (isLit) {
          box(column, row, 11, 15, '#f2b65a');
          box(column, row + 7, 11, 1, '#9c6a2c');
          box(column + 5, row, 1, 15, '#9c6a2c');
        } else box(column, row, 11, 15, '#151831');
      }
    }
    x += w;
  }

  // A little cinema, its sign lit lamp by lamp.
  box(238, 168, 164, 94, '#3a1f35');
  box(230, 160, 180, 10, '#5a2b44');
  box(256, 208, 128, 54, '#160f1e');
  glow(320, 232, 70, '255,190,110', 0.34);
  box(264, 214, 50, 48, '#c98f4a');
  box(326, 214, 50, 48, '#c98f4a');
  box(318, 214, 4, 48, '#5a2b44');
  box(250, 176, 140, 26, '#f5e9cf');
  c.fillStyle = '#5a1f2e';
  c.font = 'bold 19px "DejaVu Sans", sans-serif';
  c.textAlign = 'center';
  c.textBaseline = 'middle';
  c.fillText('KINORA', 320, 190);
  for (let lamp = 0; lamp < 20; lamp++) {
    const isOn = (lamp + number) % 4 === 0;
    c.fillStyle = isOn ? '#fff1b8' : '#a0652f';
    c.beginPath();
    c.arc(235 + lamp * 8.95, 165, 2.6, 0, 7);
    c.fill();
    if (isOn) glow(235 + lamp * 8.95, 165, 11, '255,220,140', 0.4);
  }

  // The street, wet enough to shine.
  const street = c.createLinearGradient(0, 262, 0, height);
  street.addColorStop(0, '#1b1c30');
  street.addColorStop(1, '#0c0d18');
  c.fillStyle = street;
  c.fillRect(0, 262, width, height - 262);
  box(0, 262, width, 7, '#3c3a52');
  box(0, 316, width, 2, '#494660');
  box(0, 336, width, 2, '#494660');
  for (const lamp of [76, 214, 452]) {
    glow(lamp, 150 + 50, 64, '255,205,130', 0.3);
    box(lamp - 2, 200, 4, 66, '#0d0e1a');
    box(lamp - 8, 194, 16, 7, '#ffe2a6');
    const shine = c.createLinearGradient(0, 270, 0, 350);
    shine.addColorStop(0, 'rgba(255,205,130,0.28)');
    shine.addColorStop(1, 'rgba(255,205,130,0)');
    c.fillStyle = shine;
    c.beginPath();
    c.moveTo(lamp - 7, 270);
    c.lineTo(lamp + 7, 270);
    c.lineTo(lamp + 26, 352);
    c.lineTo(lamp - 26, 352);
    c.fill();
  }

  // A cat that stays and waves its tail.
  c.fillStyle = '#08080f';
  c.beginPath();
  c.ellipse(566, 259, 9, 10, 0, 0, 7);
  c.arc(566, 246, 6, 0, 7);
  c.moveTo(561, 243);
  c.lineTo(562, 235);
  c.lineTo(566, 241);
  c.lineTo(570, 235);
  c.lineTo(571, 243);
  c.fill();
  c.strokeStyle = '#08080f';
  c.lineWidth = 3;
  c.lineCap = 'round';
  c.beginPath();
  c.moveTo(573, 266);
  c.quadraticCurveTo(586, 264, 586 + 5 * Math.sin(2 * turn), 250);
  c.stroke();

  // The tram: from out of the picture on the left to out of it on the right, once a round.
  const tram = -250 + share * (width + 290);
  glow(tram + 232, 308, 90, '255,240,190', 0.4);
  c.fillStyle = '#b8362f';
  c.beginPath();
  c.roundRect(tram, 240, 220, 82, 12);
  c.fill();
  box(tram + 4, 290, 212, 10, '#f3e3c2');
  for (let window = 0; window < 5; window++) {
    box(tram + 14 + window * 41, 252, 32, 30, '#ffd98a');
    c.fillStyle = '#6b3a2a';
    c.beginPath();
    c.arc(tram + 24 + window * 41 + (window % 2) * 8, 271, 6, 0, 7);
    c.fill();
    box(tram + 17 + window * 41 + (window % 2) * 8, 276, 14, 6, '#6b3a2a');
  }
  box(tram + 212, 304, 7, 8, '#fff6d0');
  for (const wheel of [40, 78, 150, 188]) {
    c.fillStyle = '#11121f';
    c.beginPath();
    c.arc(tram + wheel, 323, 10, 0, 7);
    c.fill();
    c.strokeStyle = '#8a8798';
    c.lineWidth = 2;
    c.beginPath();
    for (const spoke of [0, Math.PI / 2]) {
      // Ten turns a round, rolled on the rail.
      const angle = 10 * turn + spoke;
      c.moveTo(tram + wheel - 7 * Math.cos(angle), 323 - 7 * Math.sin(angle));
      c.lineTo(tram + wheel + 7 * Math.cos(angle), 323 + 7 * Math.sin(angle));
    }
    c.stroke();
  }
  c.strokeStyle = '#11121f';
  c.lineWidth = 2;
  c.beginPath();
  c.moveTo(tram + 110, 240);
  c.lineTo(tram + 92, 226);
  c.lineTo(tram + 118, 214);
  c.stroke();
  box(0, 213, width, 1, '#11121f');

  // The number of the picture in a film leader's circle, its hand going round once.
  c.globalAlpha = 0.85;
  c.fillStyle = '#0a0c18';
  c.beginPath();
  c.arc(52, 48, 32, 0, 7);
  c.fill();
  c.fillStyle = 'rgba(242,182,90,0.35)';
  c.beginPath();
  c.moveTo(52, 48);
  c.arc(52, 48, 30, -Math.PI / 2, -Math.PI / 2 + turn);
  c.fill();
  c.strokeStyle = '#f5e9cf';
  c.lineWidth = 2;
  c.beginPath();
  c.arc(52, 48, 30, 0, 7);
  c.stroke();
  c.globalAlpha = 1;
  c.fillStyle = '#fff';
  c.font = 'bold 26px "DejaVu Sans Mono", monospace';
  c.fillText(String(number + 1).padStart(2, '0'), 52, 49);
  return canvas.toDataURL('image/jpeg', quality);
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
});
const page = await browser.newPage();
let totalBytes = 0;
for (let number = 0; number < count; number++) {
  const url = await page.evaluate(draw, [number, count, width, height, quality] as [
    number,
    number,
    number,
    number,
    number,
  ]);
  const jpeg = Buffer.from(url.slice(url.indexOf(',') + 1), 'base64');
  totalBytes += jpeg.length;
  writeFileSync(new URL(`./${String(number + 1).padStart(2, '0')}.jpg`, import.meta.url), jpeg);
}
await browser.close();
process.stdout.write(`${count} pictures, ${totalBytes} bytes\n`);
