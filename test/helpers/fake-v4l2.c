// A webcam at /dev/video0 for machines without one, loaded with LD_PRELOAD: answers the V4L2 calls of a program with
// Motion-JPEG (640x480, one file again and again) and YUYV (320x240, a grey that rises). Unplugged while the file
// named by UNPLUGGED exists. Settings are compiled in: JPEG_FILE and UNPLUGGED.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define SLOT (1 << 20)
#define SLOTS 8
static int camera = -1;
static int raw = 0; // 1: YUYV
static unsigned char *slot[SLOTS];
static int queue[SLOTS], queued;
static unsigned sequence;

static int unplugged(void) { return syscall(SYS_faccessat, AT_FDCWD, UNPLUGGED, F_OK) == 0; }

static int is_camera(const char *path) { return path && !strcmp(path, "/dev/video0"); }

static int open_camera(void) {
  if (unplugged()) { errno = ENOENT; return -1; }
  camera = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  queued = raw = 0;
  return camera;
}

#define OPEN(name)                                                          \
  int name(const char *path, int flags, ...) {                              \
    va_list rest;                                                           \
    va_start(rest, flags);                                                  \
    int mode = va_arg(rest, int);                                           \
    va_end(rest);                                                           \
    if (is_camera(path)) return open_camera();                              \
    return syscall(SYS_openat, AT_FDCWD, path, flags, mode);                \
  }
OPEN(open)
OPEN(open64)

static void *map(void *at, size_t length, int protection, int flags, int fd, off_t offset) {
  if (fd < 0 || fd != camera) return (void *)syscall(SYS_mmap, at, length, protection, flags, fd, offset);
  void *made = (void *)syscall(SYS_mmap, 0, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  slot[(offset / SLOT) % SLOTS] = made;
  return made;
}
void *mmap(void *a, size_t l, int p, int f, int fd, off_t o) { return map(a, l, p, f, fd, o); }
void *mmap64(void *a, size_t l, int p, int f, int fd, off64_t o) { return map(a, l, p, f, fd, o); }

static void run(int on) {
  struct itimerspec every = {{0, on ? 40000000 : 0}, {0, on ? 40000000 : 0}};
  timerfd_settime(camera, 0, &every, 0);
}

static int fill(unsigned char *to) {
  if (raw) {
    for (int i = 0; i < 320 * 240 * 2; i += 2) { to[i] = 16 + sequence % 200; to[i + 1] = 128; }
    return 320 * 240 * 2;
  }
  int file = syscall(SYS_openat, AT_FDCWD, JPEG_FILE, O_RDONLY, 0);
  int size = file < 0 ? 0 : syscall(SYS_read, file, to, SLOT);
  if (file >= 0) syscall(SYS_close, file);
  return size;
}

int ioctl(int fd, unsigned long request, ...) {
  va_list rest;
  va_start(rest, request);
  void *given = va_arg(rest, void *);
  va_end(rest);
  if (fd < 0 || fd != camera) return syscall(SYS_ioctl, fd, request, given);
  if (unplugged()) { errno = ENODEV; return -1; }
  switch ((uint32_t)request) {
    case VIDIOC_QUERYCAP: {
      struct v4l2_capability *c = given;
      memset(c, 0, sizeof *c);
      strcpy((char *)c->driver, "fake");
      strcpy((char *)c->card, "Test camera");
      c->device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
      c->capabilities = c->device_caps | V4L2_CAP_DEVICE_CAPS;
      return 0;
    }
    case VIDIOC_G_INPUT:
    case VIDIOC_S_INPUT:
      return 0;
    case VIDIOC_ENUM_FMT: {
      struct v4l2_fmtdesc *f = given;
      if (f->index > 1) break;
      f->pixelformat = f->index ? V4L2_PIX_FMT_YUYV : V4L2_PIX_FMT_MJPEG;
      f->flags = f->index ? 0 : V4L2_FMT_FLAG_COMPRESSED;
      return 0;
    }
    case VIDIOC_ENUM_FRAMESIZES: {
      struct v4l2_frmsizeenum *s = given;
      if (s->index) break;
      s->type = V4L2_FRMSIZE_TYPE_DISCRETE;
      s->discrete.width = s->pixel_format == V4L2_PIX_FMT_YUYV ? 320 : 640;
      s->discrete.height = s->pixel_format == V4L2_PIX_FMT_YUYV ? 240 : 480;
      return 0;
    }
    case VIDIOC_ENUM_FRAMEINTERVALS: {
      struct v4l2_frmivalenum *i = given;
      if (i->index) break;
      i->type = V4L2_FRMIVAL_TYPE_DISCRETE;
      i->discrete.numerator = 1;
      i->discrete.denominator = 25;
      return 0;
    }
    case VIDIOC_G_FMT:
    case VIDIOC_TRY_FMT:
    case VIDIOC_S_FMT: {
      struct v4l2_format *f = given;
      uint32_t wanted = f->fmt.pix.pixelformat;
      if ((uint32_t)request == VIDIOC_S_FMT) {
        // A device takes what it can and says what it took.
        raw = wanted != V4L2_PIX_FMT_MJPEG;
      }
      f->fmt.pix.pixelformat = raw ? V4L2_PIX_FMT_YUYV : V4L2_PIX_FMT_MJPEG;
      f->fmt.pix.width = raw ? 320 : 640;
      f->fmt.pix.height = raw ? 240 : 480;
      f->fmt.pix.field = V4L2_FIELD_NONE;
      f->fmt.pix.bytesperline = raw ? 640 : 0;
      f->fmt.pix.sizeimage = raw ? 320 * 240 * 2 : SLOT;
      return 0;
    }
    case VIDIOC_G_PARM:
    case VIDIOC_S_PARM: {
      struct v4l2_streamparm *p = given;
      p->parm.capture.capability = V4L2_CAP_TIMEPERFRAME;
      p->parm.capture.timeperframe.numerator = 1;
      p->parm.capture.timeperframe.denominator = 25;
      return 0;
    }
    case VIDIOC_REQBUFS: {
      struct v4l2_requestbuffers *b = given;
      if (b->count > SLOTS) b->count = SLOTS;
      queued = 0;
      return 0;
    }
    case VIDIOC_QUERYBUF: {
      struct v4l2_buffer *b = given;
      b->length = SLOT;
      b->m.offset = b->index * SLOT;
      return 0;
    }
    case VIDIOC_QBUF:
      queue[queued++] = ((struct v4l2_buffer *)given)->index;
      return 0;
    case VIDIOC_DQBUF: {
      struct v4l2_buffer *b = given;
      uint64_t ticks;
      if (!queued || syscall(SYS_read, camera, &ticks, 8) != 8) { errno = EAGAIN; return -1; }
      int index = queue[0];
      memmove(queue, queue + 1, --queued * sizeof *queue);
      struct timespec now;
      clock_gettime(CLOCK_MONOTONIC, &now);
      b->index = index;
      b->bytesused = fill(slot[index]);
      b->length = SLOT;
      b->flags = 0;
      b->field = V4L2_FIELD_NONE;
      b->sequence = sequence++;
      b->timestamp.tv_sec = now.tv_sec;
      b->timestamp.tv_usec = now.tv_nsec / 1000;
      return 0;
    }
    case VIDIOC_STREAMON:
    case VIDIOC_STREAMOFF:
      run((uint32_t)request == VIDIOC_STREAMON);
      return 0;
  }
  errno = EINVAL;
  return -1;
}
