// Containers that FFmpeg may open a file of somebody's with.

/** Only demuxers that read nothing but this file: no playlists, no references to other files or hosts. */
export const selfContainedFormats =
  'avi,mpegts,mpeg,mpegvideo,flv,asf,rm,mp3,aac,ac3,eac3,dts,wav,w64,aiff,au,caf,ogg,flac,ape,wv,tta,amr,nut,mxf,gif,' +
  'h264,hevc,matroska,mov,3gp,mp4,dv,ivf,nsv,swf,vob,wtv,obu,mjpeg,m4v';
