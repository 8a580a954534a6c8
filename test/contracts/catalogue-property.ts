// Whatever is done to a catalogue, in any order, it answers as the plain model in memory does: lists by everything they
// can be asked by, page by page; folders; whom things are shared with; what everybody has.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import {
  type Catalogue,
  type ListRequest,
  type Sight,
  type VideoSort,
  videoSorts,
} from '../../src/catalogue/catalogue.ts';
import { isAppError } from '../../src/errors.ts';
import { createId } from '../../src/ids.ts';
import { ModelCatalogue, type Refusal } from './catalogue-model.ts';
import { arrival, newVideo } from './catalogue-samples.ts';

const people = ['anna', 'bert', 'cora'] as const;
const audiences = [...people, 'household'];
const titles = ['Lake 2', 'lake 10', 'Éclair', 'eclair', 'Zoo, Lake', '', '🎞️', '20 Bären'];

const person = fc.constantFrom(...people);
/** Which of those there are; taken modulo. */
const index = fc.nat({ max: 30 });
const shared = fc.uniqueArray(fc.constantFrom('bert', 'household', 'cora'), { maxLength: 2 });
const maybe = fc.option(index, { nil: null, freq: 2 });
const title = fc.constantFrom(...titles);

const act = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('add'), person, place: maybe, shared, title, size: maybe }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('add folder'), person, place: maybe }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('share video'), index, shared }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('share folder'), index, shared }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('move video'), index, place: maybe }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('move folder'), index, place: maybe }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('remove folder'), index }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('mark'), person, index, fav: fc.boolean(), seen: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('bin'), index, isIn: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('rename'), index, title }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('finish'), index, size: index, length: maybe }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('forget'), index }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('give'), person, to: person }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('forget person'), person }) },
);
type Act = Partial<{
  do: string;
  person: string;
  to: string;
  place: number | null;
  shared: string[];
  title: string;
  size: number | null;
  length: number | null;
  index: number;
  fav: boolean;
  seen: boolean;
  isIn: boolean;
}>;

const sight: fc.Arbitrary<Sight> = fc.record({
  ownerIds: fc.uniqueArray(person, { maxLength: 2 }),
  audiences: fc.uniqueArray(fc.constantFrom(...audiences), { maxLength: 2 }),
});
const question = fc.record(
  {
    query: fc.constantFrom('', '', 'lake', 'e', 'l 1', 'nothing'),
    inBin: fc.boolean(),
    sight,
    folder: maybe,
    whose: fc.constantFrom('own', 'others'),
    marked: fc.record({ personId: person, as: fc.constantFrom('favourite', 'watched', 'unwatched') }),
    sort: fc.constantFrom(...videoSorts),
  },
  { requiredKeys: ['query'] },
);
type Question = Partial<Pick<ListRequest, 'inBin' | 'sight' | 'whose' | 'marked'>> & {
  query: string;
  folder?: number | null;
  sort?: VideoSort;
};

const pick = <Item extends { id: string }>(items: readonly Item[], index: number | null | undefined) =>
  index === null || index === undefined || items.length === 0 ? null : items[index % items.length]!.id;

/** Does it to both; the one must refuse what the other does, for the same reason. */
async function perform(catalogue: Catalogue, model: ModelCatalogue, act: Act): Promise<void> {
  const refusedAs = async (call: Promise<unknown>, refusal: Refusal | undefined) => {
    if (refusal) await assert.rejects(call, (error) => isAppError(error, refusal));
    else await call;
  };
  const video = pick(model.videos, act.index) ?? createId();
  const folder = pick(model.folders, act.index) ?? createId();
  const who = act.person ?? '';
  // Mostly one that is not refused.
  const owner =
    act.do === 'move video' ? model.video(video)?.ownerId : (model.folder(folder)?.ownerId ?? who);
  const isOwn = (each: { ownerId: string }) => each.ownerId === (act.do?.startsWith('add') ? who : owner);
  const place = pick((act.place ?? 0) % 8 === 7 ? model.folders : model.folders.filter(isOwn), act.place);
  switch (act.do) {
    case 'add': {
      const rest = { ownerId: who, folderId: place, audiences: act.shared!, sizeBytes: act.size! };
      const added = newVideo(act.title!, rest);
      return refusedAs(catalogue.beginUpload(added), model.beginUpload(added));
    }
    case 'add folder': {
      const added = { id: createId(), ownerId: who, parentId: place, name: 'x', createdAtMs: 1 };
      return refusedAs(catalogue.addFolder(added), model.addFolder(added));
    }
    case 'share video':
      model.share('video', video, act.shared!);
      return catalogue.setAudiences('video', video, act.shared!);
    case 'share folder':
      model.share('folder', folder, act.shared!);
      return catalogue.setAudiences('folder', folder, act.shared!);
    case 'move video':
      return refusedAs(catalogue.moveVideo(video, place), model.moveVideo(video, place));
    case 'move folder':
      return refusedAs(catalogue.moveFolder(folder, place), model.moveFolder(folder, place));
    case 'remove folder':
      model.removeFolder(folder);
      return catalogue.removeFolder(folder);
    case 'mark':
      if (model.video(video)) {
        model.marks.set(`${who} ${video}`, { isFavourite: act.fav!, isWatched: act.seen! });
      }
      await catalogue.setMarks(who, video, { isFavourite: act.fav!, isWatched: act.seen! });
      return;
    case 'bin':
      model.changeVideo(video, { binnedAtMs: act.isIn ? 5 : null });
      await catalogue.setBinned(video, act.isIn ? 5 : null);
      return;
    case 'rename':
      model.changeVideo(video, { title: act.title! });
      await catalogue.renameVideo(video, act.title!);
      return;
    case 'finish': {
      const known = { sizeBytes: act.size!, durationMs: act.length! };
      model.changeVideo(video, { ...known, receivedBytes: act.size! });
      await catalogue.finishUpload(video, { ...arrival, ...known }).catch((error: unknown) => {
        assert.ok(isAppError(error, 'not-found') && !model.video(video));
      });
      return;
    }
    case 'forget':
      model.forgetVideo(video);
      return catalogue.forgetVideo(video);
    case 'give':
      if (act.to !== who) model.give(who, act.to!);
      assert.equal(await catalogue.giveVideos(who, act.to!), 0);
      return;
    case 'forget person':
      model.forgetPerson(who);
      return catalogue.forgetPerson(who);
    default:
      assert.fail(`nothing is called ${act.do}`);
  }
}

async function compareList(catalogue: Catalogue, model: ModelCatalogue, asked: Question, limit: number) {
  const { folder, ...rest } = asked;
  const request = { ...rest, ...('folder' in asked ? { folderId: pick(model.folders, folder) } : {}) };
  const found: string[] = [];
  for (let next: string | null = null, isFirst = true; isFirst || next !== null; isFirst = false) {
    const page = await catalogue.listVideos({ ...request, limit, after: next });
    found.push(...page.items.map(({ id }) => id));
    assert.ok(page.next === null || page.items.length === limit);
    next = page.next;
  }
  assert.deepEqual(found, model.list(request), JSON.stringify(request));
  if (asked.folder !== undefined || asked.whose || asked.marked || asked.sort) return;
  const streamed: string[] = [];
  const stream = {
    query: asked.query,
    inBin: asked.inBin ?? false,
    ...(asked.sight && { sight: asked.sight }),
  };
  for await (const { id } of catalogue.streamVideos(stream)) streamed.push(id);
  assert.deepEqual(streamed, found);
}

async function compareRest(catalogue: Catalogue, model: ModelCatalogue, asked: Sight): Promise<void> {
  for (const video of model.videos) {
    const stored = await catalogue.getVideo(video.id);
    assert.equal(stored?.folderId, video.folderId);
    const audiences = model.audiencesOf(video, video.folderId);
    assert.deepEqual(await catalogue.getSharing('video', video.id), { ownerId: video.ownerId, audiences });
  }
  for (const folder of model.folders) {
    const audiences = model.audiencesOf(folder, folder.parentId);
    assert.deepEqual(await catalogue.getSharing('folder', folder.id), { ownerId: folder.ownerId, audiences });
    assert.deepEqual(
      (await catalogue.folderPath(folder.id)).map(({ id }) => id),
      model
        .around(folder.id)
        .map(({ id }) => id)
        .reverse(),
    );
    const within = (await catalogue.listFolders(asked, folder.id)).map(({ id }) => id).sort();
    assert.deepEqual(within, model.listFolders(asked, folder.id));
    const counted = (await catalogue.countInFolders([folder.id])).get(folder.id);
    assert.deepEqual(counted ?? { videos: 0, folders: 0 }, {
      videos: model.videos.filter((video) => video.folderId === folder.id && video.binnedAtMs === null)
        .length,
      folders: model.folders.filter(({ parentId }) => parentId === folder.id).length,
    });
  }
  const top = (await catalogue.listFolders(asked, null)).map(({ id }) => id).sort();
  assert.deepEqual(top, model.listFolders(asked, null));
  for (const who of people) {
    assert.deepEqual(await catalogue.getUsage(who), model.usage(who));
    const own = (await catalogue.ownFolders([who])).map(({ id }) => id).sort();
    assert.deepEqual(
      own,
      model.folders
        .filter(({ ownerId }) => ownerId === who)
        .map(({ id }) => id)
        .sort(),
    );
    const marks = await catalogue.getMarks(
      who,
      model.videos.map(({ id }) => id),
    );
    for (const { id } of model.videos) {
      const expected = model.marksOf(who, id);
      assert.deepEqual(marks.get(id) ?? { isFavourite: false, isWatched: false }, expected);
    }
  }
}

/** Folders within folders with something in each, so that few acts are enough to go wrong. */
const beginning: Act[] = [
  ...[null, 0, 1, 2, null].map((place) => ({ do: 'add folder', person: 'anna', place })),
  { do: 'add folder', person: 'bert', place: null },
  ...[null, 0, 1, 2, 3, 4].flatMap((place) => [
    { do: 'add', person: 'anna', place, shared: [], title: 'Lake 2', size: 5 },
    { do: 'add', person: 'anna', place, shared: ['bert'], title: 'Zoo, Lake', size: null },
  ]),
];

/** @param empty removes everything from the catalogue */
export function catalogueProperties(get: () => Catalogue, empty: () => Promise<void>, numRuns: number): void {
  it('whatever is shared, moved and removed, lists what the rules say, in pages that make up the whole', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(act, { maxLength: 60, size: 'max' }),
        fc.array(question, { minLength: 8, maxLength: 12 }),
        sight,
        fc.integer({ min: 1, max: 7 }),
        async (acts, questions, asked, limit) => {
          await empty();
          const [catalogue, model] = [get(), new ModelCatalogue()];
          // Writes that are called in order are done in order; some are several.
          let done: unknown[] = [];
          for (const each of [...beginning, ...acts] as Act[]) {
            if (each.do === 'give' || each.do === 'forget person') done = [await Promise.all(done)];
            done.push(perform(catalogue, model, each));
            if (each.do === 'give' || each.do === 'forget person') await done.at(-1);
          }
          await Promise.all(done);
          for (const each of questions) await compareList(catalogue, model, each as Question, limit);
          await compareRest(catalogue, model, asked);
          assert.deepEqual(await catalogue.inspect({ repair: false }), []);
        },
      ),
      { numRuns },
    );
  });
}
