// The element ids this reader knows, each with the clause that defines it. Ids include their length marker.

export const ids = {
  // EBML (RFC 8794 §11.2, §11.3)
  ebml: 0x1a45dfa3,
  ebmlMaxIdLength: 0x42f2,
  ebmlMaxSizeLength: 0x42f3,
  docType: 0x4282,
  crc32: 0xbf,
  void: 0xec,

  // The Segment and its parts (RFC 9559 §5.1)
  segment: 0x18538067,
  seekHead: 0x114d9b74, //                     §5.1.1
  info: 0x1549a966, //                         §5.1.2
  timestampScale: 0x2ad7b1, //                 §5.1.2.9
  cluster: 0x1f43b675, //                      §5.1.3
  tracks: 0x1654ae6b, //                       §5.1.4
  cues: 0x1c53bb6b, //                         §5.1.5
  attachments: 0x1941a469, //                  §5.1.6
  chapters: 0x1043a770, //                     §5.1.7
  tags: 0x1254c367, //                         §5.1.8

  // Cluster (RFC 9559 §5.1.3)
  timestamp: 0xe7, //                          §5.1.3.1
  position: 0xa7, //                           §5.1.3.2
  prevSize: 0xab, //                           §5.1.3.3
  simpleBlock: 0xa3, //                        §5.1.3.4
  blockGroup: 0xa0, //                         §5.1.3.5
  block: 0xa1, //                              §5.1.3.5.1
  blockAdditions: 0x75a1, //                   §5.1.3.5.2
  blockDuration: 0x9b, //                      §5.1.3.5.3
  referencePriority: 0xfa, //                  §5.1.3.5.4
  referenceBlock: 0xfb, //                     §5.1.3.5.5
  codecState: 0xa4, //                         §5.1.3.5.6
  discardPadding: 0x75a2, //                   §5.1.3.5.7
  silentTracks: 0x5854, //                     RFC 9559 appendix A (reclaimed)
  encryptedBlock: 0xaf, //                     RFC 9559 appendix A (reclaimed)

  // TrackEntry (RFC 9559 §5.1.4.1)
  trackEntry: 0xae,
  trackNumber: 0xd7, //                        §5.1.4.1.1
  trackType: 0x83, //                          §5.1.4.1.3
  flagDefault: 0x88, //                        §5.1.4.1.5
  defaultDuration: 0x23e383, //                §5.1.4.1.13
  name: 0x536e, //                             §5.1.4.1.18
  language: 0x22b59c, //                       §5.1.4.1.19
  languageBcp47: 0x22b59d, //                  §5.1.4.1.20
  codecId: 0x86, //                            §5.1.4.1.21
  codecPrivate: 0x63a2, //                     §5.1.4.1.22
  codecDelay: 0x56aa, //                       §5.1.4.1.25
  seekPreRoll: 0x56bb, //                      §5.1.4.1.26
  video: 0xe0, //                              §5.1.4.1.28
  pixelWidth: 0xb0, //                         §5.1.4.1.28.6
  pixelHeight: 0xba, //                        §5.1.4.1.28.7
  displayWidth: 0x54b0, //                     §5.1.4.1.28.12
  displayHeight: 0x54ba, //                    §5.1.4.1.28.13
  displayUnit: 0x54b2, //                      §5.1.4.1.28.14
  colour: 0x55b0, //                           §5.1.4.1.28.16
  matrixCoefficients: 0x55b1, //               §5.1.4.1.28.17
  bitsPerChannel: 0x55b2, //                   §5.1.4.1.28.18
  range: 0x55b9, //                            §5.1.4.1.28.23
  transferCharacteristics: 0x55ba, //          §5.1.4.1.28.24
  primaries: 0x55bb, //                        §5.1.4.1.28.25
  projection: 0x7670, //                       §5.1.4.1.28.41
  projectionType: 0x7671, //                   §5.1.4.1.28.42
  projectionPoseYaw: 0x7673, //                §5.1.4.1.28.44
  projectionPosePitch: 0x7674, //              §5.1.4.1.28.45
  projectionPoseRoll: 0x7675, //               §5.1.4.1.28.46
  audio: 0xe1, //                              §5.1.4.1.29
  samplingFrequency: 0xb5, //                  §5.1.4.1.29.1
  outputSamplingFrequency: 0x78b5, //          §5.1.4.1.29.2
  channels: 0x9f, //                           §5.1.4.1.29.3
  bitDepth: 0x6264, //                         §5.1.4.1.29.4
  contentEncodings: 0x6d80, //                 §5.1.4.1.31
  contentEncoding: 0x6240, //                  §5.1.4.1.31.1
  contentEncodingType: 0x5033, //              §5.1.4.1.31.4
  contentCompression: 0x5034, //               §5.1.4.1.31.5
  contentCompAlgo: 0x4254, //                  §5.1.4.1.31.6
  contentCompSettings: 0x4255, //              §5.1.4.1.31.7

  // Chapters (RFC 9559 §5.1.7)
  editionEntry: 0x45b9,
  editionFlagHidden: 0x45bd,
  editionFlagDefault: 0x45db,
  chapterAtom: 0xb6,
  chapterTimeStart: 0x91,
  chapterTimeEnd: 0x92,
  chapterFlagHidden: 0x98,
  chapterDisplay: 0x80,
  chapString: 0x85,
} as const;

/** What stands directly in a Segment and is not looked into here. */
export const skippedSegmentParts: ReadonlySet<number> = new Set([
  ids.seekHead,
  ids.cues,
  ids.attachments,
  ids.tags,
]);

/** What stands in a Cluster or a BlockGroup and says nothing that is needed. */
export const clusterParts: ReadonlySet<number> = new Set([
  ids.crc32,
  ids.position,
  ids.prevSize,
  ids.silentTracks,
  ids.blockAdditions,
  ids.referencePriority,
  ids.codecState,
]);
