# Acts as systemd does towards one service: opens listening sockets and hands them over from descriptor 3 on, names a
# notify socket, and prints what comes there, with the process that sent it, as lines of JSON. SIGTERM to this is passed on.
# service-manager.py NOTIFY_ADDRESS SOCKETS WATCHDOG_USEC COMMAND...
import json, os, signal, socket, struct, sys

address, count, watchdog, command = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4:]
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
notify.bind('\0' + address[1:] if address.startswith('@') else address)
listening = []
for _ in range(count):
    one = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    one.bind(('127.0.0.1', 0))
    one.listen(16)
    listening.append(one)

def say(**line):
    print(json.dumps(line), flush=True)

say(ports=[one.getsockname()[1] for one in listening])
child = os.fork()
if child == 0:
    # First out of the way of 3 and on, then there.
    high = [os.dup2(one.fileno(), 100 + at) for at, one in enumerate(listening)]
    for at, fd in enumerate(high):
        os.dup2(fd, 3 + at, inheritable=True)
        os.close(fd)
    environment = dict(os.environ, NOTIFY_SOCKET=address)
    if count > 0:
        environment.update(LISTEN_FDS=str(count), LISTEN_PID=str(os.getpid()))
    if watchdog != '0':
        environment.update(WATCHDOG_USEC=watchdog, WATCHDOG_PID=str(os.getpid()))
    os.dup2(2, 1)
    os.execvpe(command[0], command, environment)

say(pid=child)
signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
notify.settimeout(0.05)
while True:
    try:
        data, ancillary, _, _ = notify.recvmsg(4096, socket.CMSG_SPACE(12))
        sender = next(struct.unpack('iII', content)[0] for level, kind, content in ancillary if kind == socket.SCM_CREDENTIALS)
        say(sender=sender, text=data.decode())
        continue
    except (TimeoutError, InterruptedError):
        pass
    ended, status = os.waitpid(child, os.WNOHANG)
    if ended:
        say(exit=os.waitstatus_to_exitcode(status))
        break
