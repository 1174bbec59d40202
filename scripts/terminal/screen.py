"""A terminal in memory: it runs a program on a pseudo-terminal and knows what stands on its screen.

It understands what our own programs print: text, line ends, cursor home, clearing, colours, the alternate screen.
Python 3's standard library only.
"""
import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time

SEQUENCE = re.compile(r'\x1b\[([?0-9;]*)([A-Za-z])')


class Screen:
    """Rows of (letter, style) cells; a style is a frozenset of the SGR parameters in force."""

    def __init__(self, columns=80, rows=24):
        self.columns, self.rows = columns, rows
        self.clear()
        self.rest = ''

    def clear(self):
        self.cells = [[(' ', frozenset())] * self.columns for _ in range(self.rows)]
        self.row = self.column = 0
        self.style = frozenset()

    def feed(self, text):
        text = self.rest + text
        self.rest = ''
        at = 0
        while at < len(text):
            letter = text[at]
            if letter == '\x1b':
                match = SEQUENCE.match(text, at)
                if not match:
                    if len(text) - at < 16:  # cut in the middle: the rest is still to come
                        self.rest = text[at:]
                        return
                    at += 1
                    continue
                self.sequence(match.group(1), match.group(2))
                at = match.end()
                continue
            at += 1
            if letter == '\r':
                self.column = 0
            elif letter == '\n':
                self.row += 1
                if self.row == self.rows:
                    self.cells = self.cells[1:] + [[(' ', frozenset())] * self.columns]
                    self.row -= 1
            elif letter >= ' ':
                if self.column == self.columns:
                    self.column = 0
                    self.row = min(self.row + 1, self.rows - 1)
                self.cells[self.row][self.column] = (letter, self.style)
                self.column += 1

    def sequence(self, parameters, kind):
        if kind == 'H':
            self.row = self.column = 0
        elif kind == 'K':
            self.cells[self.row][self.column:] = [(' ', frozenset())] * (self.columns - self.column)
        elif kind == 'J':
            self.cells[self.row][self.column:] = [(' ', frozenset())] * (self.columns - self.column)
            for row in range(self.row + 1, self.rows):
                self.cells[row] = [(' ', frozenset())] * self.columns
        elif kind == 'm':
            for number in parameters.split(';'):
                self.style = frozenset() if number in ('', '0') else self.style | {number}
        elif parameters == '?1049' and kind in 'hl':
            self.clear()

    def text(self):
        return '\n'.join(''.join(letter for letter, _ in row).rstrip() for row in self.cells)


class Session:
    """A program on a pseudo-terminal of that size."""

    def __init__(self, command, environment, columns=80, rows=24):
        self.screen = Screen(columns, rows)
        self.decoder = codecs.getincrementaldecoder('utf-8')('replace')
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.execvpe(command[0], command, {**os.environ, **environment, 'TERM': 'xterm-256color'})
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))
        os.kill(self.pid, signal.SIGWINCH)

    def read(self, seconds):
        """Takes in what the program prints within that time; False once it has ended."""
        ready, _, _ = select.select([self.terminal], [], [], seconds)
        if not ready:
            return True
        try:
            data = os.read(self.terminal, 65536)
        except OSError:
            return False
        self.screen.feed(self.decoder.decode(data))
        return bool(data)

    def has_more(self):
        """Whether the program has printed what was not taken in yet."""
        return bool(select.select([self.terminal], [], [], 0)[0])

    def wait_for(self, pattern, seconds=30):
        """Waits until the screen matches; raises with what it shows otherwise."""
        end = time.monotonic() + seconds
        while not re.search(pattern, self.screen.text()):
            if time.monotonic() > end or not self.read(0.2):
                raise RuntimeError(f'the screen never matched {pattern!r}:\n{self.screen.text()}')

    def type(self, text):
        os.write(self.terminal, text.encode())

    def finish(self, seconds=120):
        """Reads to the program's end; gives its exit code."""
        end = time.monotonic() + seconds
        while self.read(0.2):
            if time.monotonic() > end:
                os.kill(self.pid, signal.SIGTERM)
                raise RuntimeError(f'the program did not end:\n{self.screen.text()}')
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
