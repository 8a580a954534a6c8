// A picture for the cameras of the look: a street in the evening, drawn by the browser itself, so that nothing has
// to be kept in the project.
import type { Browser } from 'playwright-core';

/** A JPEG of 1280 by 720. */
export async function drawPicture(browser: Browser): Promise<Uint8Array> {
  const page = await browser.newPage();
  const base64 = await page.evaluate(() => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 1280, height: 720 });
    const context = canvas.getContext('2d')!;
    const sky = context.createLinearGradient(0, 0, 0, 460);
    sky.addColorStop(0, '#2b3a55');
    sky.addColorStop(1, '#d39a6a');
    context.fillStyle = sky;
    context.fillRect(0, 0, 1280, 720);
    context.fillStyle = '#3a3a40';
    context.fillRect(0, 430, 1280, 290);
    for (let house = 0; house < 7; house += 1) {
      const height = 170 + ((house * 83) % 120);
      context.fillStyle = `hsl(${20 + house * 9} 14% ${20 + ((house * 7) % 12)}%)`;
      context.fillRect(house * 190 - 20, 440 - height, 180, height);
      for (let window = 0; window < 6; window += 1) {
        context.fillStyle = (house * 5 + window) % 3 ? '#20242c' : '#f3c46d';
        context.fillRect(
          house * 190 + 10 + (window % 2) * 70,
          465 - height + Math.floor(window / 2) * 50,
          36,
          28,
        );
      }
    }
    context.fillStyle = '#55555c';
    context.beginPath();
    context.moveTo(500, 440);
    context.lineTo(780, 440);
    context.lineTo(1180, 720);
    context.lineTo(100, 720);
    context.fill();
    context.strokeStyle = '#cfc9bd';
    context.lineWidth = 8;
    context.setLineDash([40, 30]);
    context.beginPath();
    context.moveTo(640, 450);
    context.lineTo(640, 720);
    context.stroke();
    return canvas.toDataURL('image/jpeg', 0.85).split(',')[1]!;
  });
  await page.close();
  return Buffer.from(base64, 'base64');
}
