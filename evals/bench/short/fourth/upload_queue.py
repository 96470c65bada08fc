"""Queue for sending measurement files to the archive server.

Files are put into a queue and sent one after another. A file that cannot
be sent is tried again; after the last try it is moved to the folder
"rejected".
"""

from pathlib import Path
import time

ARCHIVE_PORT = 8447
REJECT_DIR = "rejected"
MAX_FILE_MB = 250


class UploadError(Exception):
    """Raised when a file could not be sent after all tries."""


class UploadQueue:
    """Holds files that wait to be sent.

    host: name of the archive server.
    timeout: seconds to wait for an answer from the server.
    retries: how often a failed file is tried again.
    pause: seconds to wait between two tries.
    """

    def __init__(self, host, timeout=18.0, retries=4, pause=2.5):
        self.host = host
        self.timeout = timeout
        self.retries = retries
        self.pause = pause
        self._files = []

    def add(self, path):
        """Add a file to the end of the queue.

        Raises ValueError if the file is larger than MAX_FILE_MB.
        """
        path = Path(path)
        if path.stat().st_size > MAX_FILE_MB * 1024 * 1024:
            raise ValueError(f"{path.name} is too large")
        self._files.append(path)

    def pending(self):
        """Return the number of files that still wait."""
        return len(self._files)

    def run(self, send):
        """Send all files with the function send(host, port, path, timeout).

        Returns the list of the files that were sent.
        """
        done = []
        while self._files:
            path = self._files.pop(0)
            for _ in range(self.retries + 1):
                if send(self.host, ARCHIVE_PORT, path, self.timeout):
                    done.append(path)
                    break
                time.sleep(self.pause)
            else:
                self._reject(path)
        return done

    def _reject(self, path):
        target = path.parent / REJECT_DIR
        target.mkdir(exist_ok=True)
        path.rename(target / path.name)
        raise UploadError(path.name)
