// Guest links over a real catalogue, under a clock the test moves: what is kept of a secret, whom a link lets in how
// often, what it leads to from one moment to the next, and who may make and end it.
import assert from 'node:assert/strict';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Asker } from '../../src/accounts/accounts.ts';
import { createAccess } from '../../src/accounts/create-access.ts';
import { createGuestLinks } from '../../src/accounts/create-guest-links.ts';
import type { NewLink } from '../../src/accounts/guest-links.ts';
import { networkOf } from '../../src/accounts/link-attempts.ts';
import { createPasswordHasher, type PasswordHasher } from '../../src/accounts/password-hash.ts';
import type { Viewer } from '../../src/accounts/permissions.ts';
import type { CameraInfo } from '../../src/cameras/cameras.ts';
import type { Folder, Video } from '../../src/catalogue/catalogue.ts';
import { openSqliteCatalogue } from '../../src/catalogue/sqlite/sqlite-catalogue.ts';
import { type AppError, type ErrorKind, isAppError } from '../../src/errors.ts';
import { createId } from '../../src/ids.ts';
import { createFileKeys } from '../../src/keys.ts';
import { arrival } from '../contracts/catalogue-samples.ts';
import { createFakeAccounts } from '../helpers/fake-accounts.ts';
import { createFakeClock } from '../helpers/fake-clock.ts';
import { plainLink } from '../helpers/link-house.ts';
import { createCheapHasher } from '../helpers/local-accounts.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

const asker = { address: '192.168.1.2' } as Asker;
const home = '203.0.113.5';
const quarterMs = 15 * 60_000;

/** Passwords take no time, but where a test is about the work. */
async function startHouse(passwords: PasswordHasher = createCheapHasher()) {
  const folder = await temporaryFolder();
  const clock = createFakeClock();
  const catalogue = await openSqliteCatalogue({ file: join(folder, 'kinora.sqlite'), clock });
  after(() => catalogue.close());
  const accounts = createFakeAccounts({ clock });
  const cameraNames = new Map([['door', 'Door']]);
  const cameras = {
    get: (id: string) => (cameraNames.has(id) ? ({ id, name: cameraNames.get(id) } as CameraInfo) : null),
  };
  const access = createAccess({ catalogue });
  const tools = {
    catalogue,
    access,
    accounts,
    cameras,
    clock,
    keys: createFileKeys(folder),
    ...(passwords && { passwords }),
  };
  const links = createGuestLinks(tools);
  const anna = accounts.viewerOf(accounts.ids.owner);
  const ben = accounts.viewerOf(accounts.ids.member);
  const kim = accounts.viewerOf(accounts.ids.child);
  const addVideo = async (title: string, owner: Viewer, folderId: string | null = null): Promise<Video> => {
    const id = createId();
    await catalogue.beginUpload({
      ...{ id, ownerId: owner.personId, folderId, title, fileName: `${title}.mkv`, sizeBytes: 5000 },
      ...{ blobId: createId(), uploadMetadata: null, addedAtMs: clock.nowMs(), audiences: [] },
    });
    return catalogue.finishUpload(id, arrival);
  };
  const addFolder = async (name: string, owner: Viewer, parentId: string | null = null): Promise<Folder> => {
    const added = { id: createId(), ownerId: owner.personId, parentId, name, createdAtMs: clock.nowMs() };
    await catalogue.addFolder(added);
    return added;
  };
  const make = (part: Partial<NewLink> & Pick<NewLink, 'subject' | 'subjectId'>, by: Viewer = anna) =>
    links.make(by, { ...plainLink, ...part }, asker.address);
  return {
    ...{ folder, clock, catalogue, accounts, access, tools, links, anna, ben, kim, cameraNames },
    ...{ addVideo, addFolder, make },
  };
}

/** What a promise fails with. */
async function failureOf(promise: Promise<unknown>): Promise<AppError> {
  try {
    await promise;
  } catch (error) {
    if (isAppError(error)) return error;
    throw error;
  }
  throw new assert.AssertionError({ message: 'It did not fail.' });
}
async function kindOf(promise: Promise<unknown>): Promise<ErrorKind> {
  return (await failureOf(promise)).kind;
}

test('a secret has at least 128 bits, and no file of the data folder holds it or a password', async () => {
  const house = await startHouse(createPasswordHasher());
  const video = await house.addVideo('Lake', house.anna);
  const password = 'a goose on the roof';
  const made = await house.make({ subject: 'video', subjectId: video.id, password });
  const other = await house.make({ subject: 'video', subjectId: video.id });
  assert.ok(Buffer.from(made.secret, 'base64url').length * 8 >= 128);
  assert.notEqual(made.secret, other.secret);
  assert.equal((await house.links.find(made.secret))?.id, made.link.id);
  assert.match(made.link.passwordHash!, /^scrypt\$15\$8\$1\$[\w-]+\$[\w-]{43}$/);
  const names = await readdir(house.folder);
  assert.ok(names.includes('kinora.sqlite'));
  for (const name of names) {
    const bytes = await readFile(join(house.folder, name));
    for (const word of [made.secret, other.secret, password])
      assert.equal(bytes.includes(word), false, `${name} holds ${word}`);
  }
  await house.catalogue.close();
});

test('a link leads nowhere once it has ended or expired, and a secret that is a letter off never did', async () => {
  const { addVideo, anna, clock, links, make } = await startHouse();
  const video = await addVideo('Lake', anna);
  const ending = await make({ subject: 'video', subjectId: video.id });
  const hourMs = 3_600_000;
  const expiring = await make({ subject: 'video', subjectId: video.id, expiresAtMs: clock.nowMs() + hourMs });
  assert.ok(await links.find(ending.secret));
  const last = ending.secret.at(-1) === 'A' ? 'Q' : 'A';
  for (const wrong of [
    '',
    'x',
    '../..',
    ending.secret.slice(1),
    `${ending.secret.slice(0, -1)}${last}`,
    ending.link.id,
  ])
    assert.equal(await links.find(wrong), null, wrong);
  await clock.advance(hourMs - 1);
  assert.ok(await links.find(expiring.secret));
  await clock.advance(1);
  assert.equal(await links.find(expiring.secret), null);
  await links.end(anna, ending.link.id, asker.address);
  assert.equal(await links.find(ending.secret), null);
});

test('a link holds only as long as its maker may share the thing', async () => {
  const { accounts, addVideo, anna, ben, catalogue, clock, links, make } = await startHouse();
  const video = await addVideo('Lake', ben);
  const { secret } = await make({ subject: 'video', subjectId: video.id }, ben);
  const holds = async () => (await links.find(secret)) !== null;
  const byAnna = (changes: Parameters<typeof accounts.changePerson>[3]) =>
    accounts.changePerson(asker, anna.personId, ben.personId, changes);

  assert.equal(await holds(), true);
  await byAnna({ role: 'guest' });
  assert.equal(await holds(), false, 'guests share nothing');
  await byAnna({ role: 'member' });
  assert.equal(await holds(), true);
  await byAnna({ isDisabled: true });
  assert.equal(await holds(), false, 'the account is disabled');
  await byAnna({ isDisabled: false });
  await catalogue.setBinned(video.id, clock.nowMs());
  assert.equal(await holds(), false, 'the video is in the bin');
  await catalogue.setBinned(video.id, null);
  assert.equal(await holds(), true);
  await catalogue.giveVideos(ben.personId, anna.personId);
  assert.equal(await holds(), false, 'the video is another’s');
});

test('a folder’s link gives what is in it now, as deep as it goes, and nothing beside it', async () => {
  const { addFolder, addVideo, anna, catalogue, links, make } = await startHouse();
  const trips = await addFolder('Trips', anna);
  const norway = await addFolder('Norway', anna, trips.id);
  const diary = await addFolder('Diary', anna);
  const train = await addVideo('Night train', anna, trips.id);
  const fjord = await addVideo('Fjord', anna, norway.id);
  const secrets = await addVideo('Secrets', anna, diary.id);
  const top = await addVideo('At the top', anna);
  const { link } = await make({ subject: 'folder', subjectId: trips.id });
  const inner = (await make({ subject: 'folder', subjectId: norway.id })).link;
  const kindOfVideo = (id: string | null, of = link) => kindOf(links.video(of, id));

  const shown = await links.folder(link, null, null);
  assert.deepEqual(
    shown.videos.map(({ title }) => title),
    ['Night train'],
  );
  assert.deepEqual(
    shown.folders.map(({ name }) => name),
    ['Norway'],
  );
  const deeper = await links.folder(link, norway.id, null);
  assert.deepEqual(
    deeper.videos.map(({ title }) => title),
    ['Fjord'],
  );
  assert.deepEqual(
    deeper.path.map(({ name }) => name),
    ['Trips', 'Norway'],
  );
  assert.deepEqual(
    (await links.folder(inner, null, null)).path.map(({ name }) => name),
    ['Norway'],
  );
  assert.equal((await links.video(link, train.id)).title, 'Night train');
  assert.equal((await links.video(link, fjord.id)).title, 'Fjord');

  for (const id of [secrets.id, top.id, createId(), trips.id, '..', null])
    assert.equal(await kindOfVideo(id), 'not-found');
  assert.equal(await kindOfVideo(train.id, inner), 'not-found');
  for (const id of [diary.id, createId(), train.id, '..'])
    assert.equal(await kindOf(links.folder(link, id, null)), 'not-found');
  assert.equal(await kindOf(links.folder(inner, trips.id, null)), 'not-found');

  await catalogue.moveVideo(fjord.id, diary.id);
  assert.equal(await kindOfVideo(fjord.id), 'not-found', 'it was moved out');
  await catalogue.moveVideo(secrets.id, norway.id);
  assert.equal((await links.video(link, secrets.id)).title, 'Secrets', 'it was moved in');
  await catalogue.moveFolder(norway.id, diary.id);
  assert.equal(await kindOfVideo(secrets.id), 'not-found', 'its folder was moved out');
});

test('a link to a video gives no other, and none of a folder', async () => {
  const { addFolder, addVideo, anna, links, make } = await startHouse();
  const trips = await addFolder('Trips', anna);
  const video = await addVideo('Lake', anna, trips.id);
  const sibling = await addVideo('Sea', anna, trips.id);
  const { link } = await make({ subject: 'video', subjectId: video.id });
  assert.equal((await links.video(link, null)).title, 'Lake');
  for (const id of [video.id, sibling.id]) assert.equal(await kindOf(links.video(link, id)), 'not-found');
  for (const id of [null, trips.id]) assert.equal(await kindOf(links.folder(link, id, null)), 'not-found');
});

test('a wrong password is refused, a right one lets in, and ten wrong ones make an address wait', async () => {
  const { addVideo, anna, clock, links, make } = await startHouse();
  const video = await addVideo('Lake', anna);
  const { link } = await make({
    subject: 'video',
    subjectId: video.id,
    password: 'Zürich by night',
    maxVisits: 1,
  });
  const enter = (password: string | null, address = home) => links.enter(link, { password, address });
  for (const nothing of [null, '']) assert.equal(await kindOf(enter(nothing)), 'unauthorized');
  for (let attempt = 0; attempt < 10; attempt += 1)
    assert.equal(await kindOf(enter(`wrong ${attempt}`)), 'unauthorized', `attempt ${attempt}`);
  const refused = await failureOf(enter('Zürich by night'));
  assert.equal(refused.kind, 'too-many');
  assert.equal(refused.retryAfterSeconds, quarterMs / 1000);
  assert.equal(await kindOf(enter('again', '203.0.113.6')), 'unauthorized', 'another address is asked');
  await clock.advance(quarterMs);
  // Composed otherwise, as another keyboard sends it; and none of the attempts used up the one visit.
  assert.ok((await enter('Zu\u0308rich by night')).pass);
});

test('who guesses from many addresses shuts out others that guess, not somebody who has been in', async () => {
  const { addVideo, anna, clock, links, make } = await startHouse();
  const video = await addVideo('Lake', anna);
  const { link } = await make({ subject: 'video', subjectId: video.id, password: 'right one' });
  const enter = (password: string, address: string) => links.enter(link, { password, address });
  assert.ok((await enter('right one', home)).pass);
  for (let attempt = 0; attempt < 100; attempt += 1)
    assert.equal(await kindOf(enter('guess', `198.51.100.${attempt}`)), 'unauthorized');
  assert.equal(await kindOf(enter('guess', '198.51.100.200')), 'too-many');
  assert.ok((await enter('right one', home)).pass);
  await clock.advance(4 * quarterMs);
  assert.equal(await kindOf(enter('guess', '198.51.100.200')), 'unauthorized');
});

test('many attempts at once are counted as many', async () => {
  const { addVideo, anna, links, make } = await startHouse();
  const video = await addVideo('Lake', anna);
  const { link } = await make({ subject: 'video', subjectId: video.id, password: 'right one' });
  const kinds = await Promise.all(
    Array.from({ length: 40 }, () => kindOf(links.enter(link, { password: 'guess', address: home }))),
  );
  assert.equal(kinds.filter((kind) => kind === 'unauthorized').length, 10);
  assert.equal(kinds.filter((kind) => kind === 'too-many').length, 30);
});

test('an address of IPv6 counts as its network, one of IPv4 as itself', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['', ''],
  ];
  for (const [address, network] of cases) assert.equal(networkOf(address), network, address);
});

test('visitors are counted once each, one too many is told so, and those who are in stay in', async () => {
  const { addVideo, anna, catalogue, links, make } = await startHouse();
  const video = await addVideo('Lake', anna);
  const { link, secret } = await make({ subject: 'video', subjectId: video.id, maxVisits: 2 });
  const enter = () => links.enter(link, { password: null, address: home });
  const first = await enter();
  await enter();
  assert.equal(await kindOf(enter()), 'gone');
  assert.equal((await catalogue.getLink(link.id))?.visits, 2);
  const found = await links.find(secret);
  assert.ok(found && (await links.isPass(found, first.pass)));
});

test('one address cannot press the button without end', async () => {
  const { addVideo, anna, links, make } = await startHouse();
  const video = await addVideo('Lake', anna);
  const { link } = await make({ subject: 'video', subjectId: video.id });
  for (let visit = 0; visit < 60; visit += 1) await links.enter(link, { password: null, address: home });
  assert.equal(await kindOf(links.enter(link, { password: null, address: home })), 'too-many');
  assert.ok((await links.enter(link, { password: null, address: '203.0.113.6' })).pass);
});

test('a pass is good for its own link, unchanged, for as long as the key is', async () => {
  const { addVideo, anna, folder, links, make, tools } = await startHouse();
  const video = await addVideo('Lake', anna);
  const [one, other] = [
    await make({ subject: 'video', subjectId: video.id }),
    await make({ subject: 'video', subjectId: video.id }),
  ];
  const { pass } = await links.enter(one.link, { password: null, address: home });
  assert.equal(await links.isPass(one.link, pass), true);
  assert.equal(await links.isPass(other.link, pass), false);
  const [visit, signature] = pass.split('.') as [string, string];
  const changed = `${visit.startsWith('0') ? '1' : '0'}${visit.slice(1)}`;
  for (const wrong of [
    null,
    '',
    '.',
    visit,
    `${changed}.${signature}`,
    `${visit}.${'A'.repeat(43)}`,
    `${pass}x`,
  ])
    assert.equal(await links.isPass(one.link, wrong), false, String(wrong));
  assert.equal(await createGuestLinks(tools).isPass(one.link, pass), true, 'after a restart');
  await rm(join(folder, 'links.key'));
  const keys = createFileKeys(folder);
  assert.equal(await createGuestLinks({ ...tools, keys }).isPass(one.link, pass), false, 'with another key');
});

test('what cannot be shared cannot be linked', async () => {
  const { accounts, addFolder, addVideo, anna, ben, catalogue, clock, kim, make } = await startHouse();
  const video = await addVideo('Lake', anna);
  const kims = await addVideo('Dog', kim);
  const folder = await addFolder('Trips', anna);
  const binned = await addVideo('Gone', anna);
  await catalogue.setBinned(binned.id, clock.nowMs());
  const guest = accounts.viewerOf(accounts.ids.guest);
  const soon = clock.nowMs() + 3_600_000;
  const of = (subject: NewLink['subject'], subjectId: string) => ({ subject, subjectId });
  const cases: readonly (readonly [string, Promise<unknown>, ErrorKind])[] = [
    ['another’s video', make(of('video', video.id), ben), 'not-found'],
    ['another’s folder', make(of('folder', folder.id), ben), 'not-found'],
    ['a child’s own', make(of('video', kims.id), kim), 'forbidden'],
    ['by a guest', make(of('video', video.id), guest), 'forbidden'],
    ['a camera by a member', make({ ...of('camera', 'door'), expiresAtMs: soon }, ben), 'forbidden'],
    [
      'with a token for cameras alone',
      make(of('video', video.id), { ...anna, scopes: ['cameras:manage'] }),
      'forbidden',
    ],
    ['no such video', make(of('video', createId())), 'not-found'],
    ['no id', make(of('video', '../door')), 'not-found'],
    ['no such camera', make({ ...of('camera', 'attic'), expiresAtMs: soon }), 'not-found'],
    ['in the bin', make(of('video', binned.id)), 'not-found'],
    ['a camera without an end', make(of('camera', 'door')), 'bad-request'],
    [
      'a camera for a year',
      make({ ...of('camera', 'door'), expiresAtMs: soon + 365 * 86_400_000 }),
      'bad-request',
    ],
    [
      'a camera to download',
      make({ ...of('camera', 'door'), expiresAtMs: soon, allowsDownload: true }),
      'bad-request',
    ],
    ['an end that was', make({ ...of('video', video.id), expiresAtMs: clock.nowMs() }), 'bad-request'],
    ['an end in a hundred years', make({ ...of('video', video.id), expiresAtMs: soon * 3 }), 'bad-request'],
    ['three letters', make({ ...of('video', video.id), password: 'abc' }), 'bad-request'],
    ['a very long password', make({ ...of('video', video.id), password: 'a'.repeat(201) }), 'bad-request'],
    ['no visitors', make({ ...of('video', video.id), maxVisits: 0 }), 'bad-request'],
    ['half a visitor', make({ ...of('video', video.id), maxVisits: 1.5 }), 'bad-request'],
    ['a long note', make({ ...of('video', video.id), note: 'x'.repeat(201) }), 'bad-request'],
    ['a stretch of a folder', make({ ...of('folder', folder.id), startSeconds: 1 }), 'bad-request'],
    ['a stretch beyond the end', make({ ...of('video', video.id), startSeconds: 62 }), 'bad-request'],
    [
      'a stretch backwards',
      make({ ...of('video', video.id), startSeconds: 9, endSeconds: 9 }),
      'bad-request',
    ],
    ['no number', make({ ...of('video', video.id), startSeconds: Number.NaN }), 'bad-request'],
  ];
  for (const [what, promise, kind] of cases) assert.equal(await kindOf(promise), kind, what);
});

test('a stretch is kept in whole milliseconds, and the whole video is no stretch', async () => {
  const { addVideo, anna, make } = await startHouse();
  const video = await addVideo('Lake', anna);
  const stretch = async (startSeconds: number | null, endSeconds: number | null) => {
    const { link } = await make({ subject: 'video', subjectId: video.id, startSeconds, endSeconds });
    return [link.startSeconds, link.endSeconds];
  };
  assert.deepEqual(await stretch(1.23456, 8), [1.235, 8]);
  assert.deepEqual(await stretch(null, 8), [0, 8]);
  assert.deepEqual(await stretch(3, null), [3, null]);
  assert.deepEqual(await stretch(0, null), [null, null]);
  assert.deepEqual(await stretch(0, 1000), [null, null]);
});

test('everybody lists and ends their own, the owner everybody’s', async () => {
  const { addVideo, anna, ben, links, make } = await startHouse();
  const [lake, dog] = [await addVideo('Lake', anna), await addVideo('Dog', ben)];
  const annas = (await make({ subject: 'video', subjectId: lake.id })).link;
  const bens = (await make({ subject: 'video', subjectId: dog.id }, ben)).link;
  const ids = async (viewer: Viewer, of?: Parameters<typeof links.list>[1]) =>
    (await links.list(viewer, of)).map(({ id }) => id);
  assert.deepEqual(await ids(anna), [annas.id]);
  assert.deepEqual(await ids(ben), [bens.id]);
  assert.deepEqual(await ids(ben, { subject: 'video', subjectId: dog.id }), [bens.id]);
  assert.equal(await kindOf(ids(ben, { subject: 'video', subjectId: lake.id })), 'not-found');
  assert.equal(await kindOf(links.end(ben, annas.id, asker.address)), 'not-found');
  assert.equal(await kindOf(links.end(anna, createId(), asker.address)), 'not-found');
  await links.end(anna, bens.id, asker.address);
  assert.deepEqual(await ids(ben), []);
  assert.equal(await links.nameOf(annas), 'Lake');
});

test('the audit log tells of links made, opened, refused and ended, and names no secret', async () => {
  const { addVideo, anna, catalogue, clock, links, make } = await startHouse();
  const video = await addVideo('Lake', anna);
  const { link, secret } = await make({
    subject: 'video',
    subjectId: video.id,
    password: 'right one',
    maxVisits: 1,
  });
  const steps: (() => Promise<unknown>)[] = [
    () => links.enter(link, { password: 'wrong one', address: home }).catch(() => {}),
    () => links.enter(link, { password: 'right one', address: home }),
    () => links.enter(link, { password: 'right one', address: home }).catch(() => {}),
    () => links.end(anna, link.id, asker.address),
  ];
  for (const step of steps) {
    await clock.advance(1000);
    await step();
  }
  const notes = (await catalogue.listAudit(clock.nowMs() + 1, 10)).toReversed();
  assert.deepEqual(
    notes.map(({ action, personName, subject, address }) => [action, personName, subject, address]),
    [
      ['link-made', 'Anna', 'Lake', asker.address],
      ['link-refused', '', 'Lake', home],
      ['link-opened', '', 'Lake', home],
      ['link-refused', '', 'Lake', home],
      ['link-ended', 'Anna', 'Lake', asker.address],
    ],
  );
  for (const word of [secret, 'right one', 'wrong one'])
    assert.doesNotMatch(JSON.stringify(notes), new RegExp(word));
});

test('a camera that is taken away and comes back under its name is not shown by its old link', async () => {
  const { anna, cameraNames, catalogue, clock, links, make } = await startHouse();
  await catalogue.addCamera({ id: 'attic', name: 'Attic', driver: 'rtsp', options: {}, addedAtMs: 1 });
  cameraNames.set('attic', 'Attic');
  const { secret } = await make(
    { subject: 'camera', subjectId: 'attic', expiresAtMs: clock.nowMs() + 3_600_000 },
    anna,
  );
  assert.ok(await links.find(secret));
  cameraNames.delete('attic');
  await catalogue.removeCamera('attic');
  assert.equal(await links.find(secret), null);
  await catalogue.addCamera({ id: 'attic', name: 'Attic', driver: 'rtsp', options: {}, addedAtMs: 2 });
  cameraNames.set('attic', 'Attic');
  assert.equal(await links.find(secret), null);
});

test('a password is kept with a salt of its own, and what is no hash is nobody’s password', async () => {
  const passwords = createPasswordHasher();
  const [one, other] = [await passwords.hash('goose'), await passwords.hash('goose')];
  assert.notEqual(one, other);
  assert.equal(await passwords.isPassword('goose', one), true);
  assert.equal(await passwords.isPassword('Goose', one), false);
  const huge = one.replace('$15$', '$40$');
  for (const damaged of ['', 'goose', one.slice(0, -1), `${one}x`, huge, one.replace('scrypt', 'plain')])
    assert.equal(await passwords.isPassword('goose', damaged), false, damaged);
});

test('of a crowd that tries passwords at once, some wait and the rest are sent away', async () => {
  const passwords = createPasswordHasher();
  const stored = await passwords.hash('goose');
  const tries = await Promise.allSettled(
    Array.from({ length: 30 }, () => passwords.isPassword('goose', stored)),
  );
  const refused = tries.filter(({ status }) => status === 'rejected');
  assert.equal(refused.length, 30 - 2 - 16);
  assert.ok(refused.every((result) => isAppError((result as PromiseRejectedResult).reason, 'too-many')));
  assert.equal(await passwords.isPassword('goose', stored), true, 'turns are given back');
});
