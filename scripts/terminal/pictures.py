"""Makes the pictures in docs/images by running the real programs. See scripts/pictures.

    pictures.py BUILD_FOLDER OUTPUT_FOLDER
"""
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

from screen import Session
from svg import picture

DEMO_SEED = '4711'


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


class Store:
    """A centre and an agent in a folder of their own."""

    def __init__(self, build, folder):
        self.build, self.folder, self.port = build, folder, free_port()
        self.centre = self.agent = None
        self.socket = str(folder / 'capture.sock')
        (folder / 'ingestd.toml').write_text(
            f'[listen]\naddress = "127.0.0.1:{self.port}"\n[ledger]\npath = "{folder}/ledger.db"\n'
            '[acceptance]\nmax_lines = 3\n[metrics]\nlisten = ""\n')
        (folder / 'tillwired.toml').write_text(
            '[terminal]\nstore_id = "0042"\nterminal_id = "till-3"\n'
            f'[outbox]\ndirectory = "{folder}/outbox"\n[capture]\nsocket = "{self.socket}"\n'
            f'[uplink]\nserver = "127.0.0.1:{self.port}"\nbackoff_base = "200ms"\nbackoff_cap = "20s"\n'
            '[metrics]\nlisten = ""\n')

    def start(self, *command):
        with open(self.folder / 'log', 'a') as log:
            return subprocess.Popen(command, stderr=log)

    def start_centre(self):
        self.centre = self.start(self.build / 'ingest/tillwire-ingestd', 'serve', '--config',
                                 self.folder / 'ingestd.toml')

    def start_agent(self):
        self.agent = self.start(self.build / 'agent/tillwired', '--config', self.folder / 'tillwired.toml')
        for _ in range(200):
            if self.tillwire('status', check=False).returncode == 0:
                return
            time.sleep(0.05)
        raise RuntimeError((self.folder / 'log').read_text())

    def stop(self):
        for process in (self.agent, self.centre):
            if process and process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(20)

    def tillwire(self, *arguments, check=True):
        return subprocess.run([self.build / 'agent/tillwire', *arguments, '--socket', self.socket], check=check,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL if not check else None)

    def cancel(self, order, lines=1):
        arguments = ['cancel', '--operator-id', '117', '--order-id', order, '--scope', 'lines', '--initiator',
                     'customer', '--reason', 'customer-request', '--release-policy', 'on-put-back']
        for line in range(lines):
            arguments += ['--line', f'sku={4711 + line},quantity=1']
        self.tillwire(*arguments)

    def clear(self, order, location):
        self.tillwire('clear-bin', '--operator-id', '117', '--staging-location-id', location, '--clear-reason',
                      'order-cancelled', '--order-id', order, '--bin-empty-confirmed')

    def watch(self, pattern, title, output):
        session = Session([str(self.build / 'agent/tillwire'), 'watch', '--socket', self.socket], {})
        session.wait_for(pattern)
        settled = False
        while not settled:  # changes within a quarter of a second come as one
            session.read(0.4)
            session.wait_for(pattern)
            settled = not session.has_more()
        output.write_text(picture(session.screen.cells, session.screen.columns, title))
        session.type('q')
        if session.finish() != 0:
            raise RuntimeError('tillwire watch failed')


def watch_pictures(build, output):
    with tempfile.TemporaryDirectory() as name:
        store = Store(build, pathlib.Path(name))
        try:
            store.start_centre()
            store.start_agent()
            for number in range(4):
                store.cancel(f'W-70051{number}')
            store.clear('W-700511', 'B-07')
            store.clear('W-700512', 'A-02')
            store.watch(r'CONNECTED to [^$]*pending 0 [^$]*delivered 6', 'tillwire watch',
                        output / 'watch-connected.svg')
            store.cancel('W-700520', lines=5)
            store.clear('W-700520', 'B-11')
            store.cancel('W-700521')
            store.watch(r'pending 1[^$]*parked 1[^$]*PARKED', 'tillwire watch: one order is parked',
                        output / 'watch-parked.svg')
            store.centre.kill()
            store.centre.wait()
            for number in range(3):
                store.cancel(f'W-70053{number}')
            store.watch(r'NOT CONNECTED to [^$]*last error[^$]*pending 4', 'tillwire watch: the centre is away',
                        output / 'watch-offline.svg')
        finally:
            store.stop()


def demo_picture(build, output):
    session = Session([str(build / 'tests/e2e/tillwire-demo'), '--seed', DEMO_SEED], {}, columns=100, rows=60)
    code = session.finish(300)
    if code != 0:
        raise RuntimeError(f'the demo ended with {code}:\n{session.screen.text()}')
    rows = session.screen.cells
    used = [number for number, row in enumerate(rows) if any(letter != ' ' for letter, _ in row)]
    (output / 'demo.svg').write_text(picture(rows[used[0]:used[-1] + 1], 96, 'scripts/demo'))


def main():
    build, output = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
    output.mkdir(parents=True, exist_ok=True)
    os.environ.pop('NO_COLOR', None)
    watch_pictures(build, output)
    demo_picture(build, output)


main()
