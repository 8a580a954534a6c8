"""The way of the Flask articles, under gevent: a background thread reads the camera, an event per viewer wakes a
generator, and the generator is the answer. Started by bench/cameras.ts: PORT FOLDER FPS.

Pictures carry a number and a time as the emulated device writes them, so that all servers are measured alike.
"""
from gevent import monkey

monkey.patch_all()

import sys
import threading
import time
from pathlib import Path

from flask import Flask, Response
from gevent.pywsgi import WSGIServer

port, folder, fps = int(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
pictures = [path.read_bytes() for path in sorted(folder.glob("*.jpg"))]


class Wakeups:
    """One event for each viewer; those who have not waited for five seconds are forgotten."""

    def __init__(self):
        self.events = {}

    def wait(self):
        ident = threading.get_ident()
        if ident not in self.events:
            self.events[ident] = [threading.Event(), time.time()]
        return self.events[ident][0].wait()

    def set(self):
        now = time.time()
        gone = []
        for ident, event in self.events.items():
            if not event[0].is_set():
                event[0].set()
                event[1] = now
            elif now - event[1] > 5:
                gone.append(ident)
        for ident in gone:
            del self.events[ident]

    def clear(self):
        self.events[threading.get_ident()][0].clear()


class Camera:
    """On with the first viewer, off ten seconds after the last one asked for a picture."""

    thread = None
    picture = None
    asked_at = 0
    wakeups = Wakeups()

    def __init__(self):
        Camera.asked_at = time.time()
        if Camera.thread is None:
            Camera.thread = threading.Thread(target=self.run, daemon=True)
            Camera.thread.start()

    def get_picture(self):
        Camera.asked_at = time.time()
        Camera.wakeups.wait()
        Camera.wakeups.clear()
        return Camera.picture

    @classmethod
    def run(cls):
        for picture in cls.pictures():
            cls.picture = picture
            cls.wakeups.set()
            time.sleep(0)
            if time.time() - cls.asked_at > 10:
                break
        cls.thread = None

    @staticmethod
    def pictures():
        start, number = time.monotonic(), 0
        while True:
            time.sleep(max(0, start + number / fps - time.monotonic()))
            comment = b"SEQ=%010d TSUS=%016d" % (number, time.time() * 1e6)
            head = b"\xff\xd8\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment
            yield head + pictures[number % len(pictures)][2:]
            number += 1


def parts(camera):
    yield b"--frame\r\n"
    while True:
        yield b"Content-Type: image/jpeg\r\n\r\n" + camera.get_picture() + b"\r\n--frame\r\n"


app = Flask(__name__)


@app.route("/video_feed")
def video_feed():
    return Response(parts(Camera()), mimetype="multipart/x-mixed-replace; boundary=frame")


WSGIServer(("127.0.0.1", port), app, log=None).serve_forever()
