// What is told of a camera that could be added, however it was found.

/** A camera that was found, as far as it tells of itself: hostile text, bounded. */
export type FoundCamera = {
  readonly kind: 'onvif' | 'v4l2';
  readonly name: string;
  /** Where it is, for people: an address of the network or a device. */
  readonly address: string;
  /** What to add it with; the options are a beginning (an RTSP path and log-in are the camera's own affair). */
  readonly driver: string;
  readonly options: Readonly<Record<string, string>>;
};
