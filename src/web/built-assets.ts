// What a build of the assets yields.

export type AssetFile = {
  readonly contentType: string;
  /** Strong, with its quotes. */
  readonly etag: string;
  readonly bytes: Uint8Array;
  /** null where compressing saves nothing. */
  readonly gzip: Uint8Array | null;
  readonly brotli: Uint8Array | null;
};

/** What a build yields; plain data, so that it can be kept on disk. */
export type BuiltAssets = {
  /** By name with its hash (`base-3FQ2.js`). */
  readonly files: ReadonlyMap<string, AssetFile>;
  /** Plain name (`base.js`) to the name with its hash. */
  readonly names: ReadonlyMap<string, string>;
  /** CSP sources (`'sha256-…'`) of the style elements that the player's parts put into their shadow roots. */
  readonly styleHashes: readonly string[];
};
