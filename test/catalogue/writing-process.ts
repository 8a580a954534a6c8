// Forked by the crash test: writes to the catalogue in argv without end and tells of each write once it is acknowledged.
import { openSqliteCatalogue } from '../../src/catalogue/sqlite/sqlite-catalogue.ts';
import { systemClock } from '../../src/clock.ts';
import { arrival, newVideo } from '../contracts/catalogue-samples.ts';

const catalogue = await openSqliteCatalogue({ file: process.argv[2] ?? '', clock: systemClock });

async function arrive(): Promise<void> {
  for (let round = 0; ; round++) {
    const video = newVideo(`Crash ${round}`);
    await catalogue.beginUpload(video);
    process.send?.({ id: video.id, status: 'arriving', title: video.title });
    await catalogue.finishUpload(video.id, arrival);
    process.send?.({ id: video.id, status: 'ready', title: video.title });
    await catalogue.renameVideo(video.id, `Renamed ${round}`);
    process.send?.({ id: video.id, status: 'ready', title: `Renamed ${round}` });
    if (round % 2 === 0) continue;
    await catalogue.forgetVideo(video.id);
    process.send?.({ id: video.id, status: 'forgotten', title: '' });
  }
}

// Several at once, so that transactions are shared.
await Promise.all([arrive(), arrive(), arrive()]);
