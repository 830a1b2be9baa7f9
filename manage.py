"""Django's command line; on a developer's machine it brings the embedded AWS up first."""

import os
import signal
import sys

# Commands that talk to AWS. The others, `convert` above all, start at once and need none.
NEEDS_AWS = {"serve", "demo", "runserver", "sweep", "ingest", "create_admin", "shell", "tcp_listen"}


def main() -> None:
    """Run one management command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "databridge.settings")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is also stopped
    if len(sys.argv) > 1 and sys.argv[1] in NEEDS_AWS and "--help" not in sys.argv:
        from databridge.local import ensure

        ensure()
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:  # also while modules are still being imported
        sys.stderr.write("Stopped.\n")
        sys.exit(130)
