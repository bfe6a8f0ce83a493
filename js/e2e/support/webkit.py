#!/usr/bin/python3
"""A browser of WebKitGTK with a profile that outlives it: webkit.py FOLDER [RATIO].

MiniBrowser keeps nothing while a driver uses it, and its driver ends when a page crashes. This one takes commands as
lines of JSON, and answers each with its id. RATIO is how much of the disk a site may use.
"""
import json
import os
import signal
import sys

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("WebKit2", "4.1")
from gi.repository import Gio, GLib, Gtk, WebKit2  # noqa: E402

PROFILE, *QUOTA = sys.argv[1:]
DATA = WebKit2.WebsiteDataManager(
    base_data_directory=f"{PROFILE}/data",
    base_cache_directory=f"{PROFILE}/cache",
    **({"origin_storage_ratio": float(QUOTA[0])} if QUOTA else {}),
)
CONTEXT = WebKit2.WebContext(website_data_manager=DATA)


def answer(id, **result):
    print(json.dumps({"id": id, **result}), flush=True)


def page_processes():
    """The processes of the pages, which are children of this one."""
    me = os.getpid()
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat") as file:
                command, _, rest = file.read().rpartition(")")
        except OSError:
            continue
        if command.endswith("(WebKitWebProces") and int(rest.split()[1]) == me:
            yield int(name)


class Page:
    """It has a process of its own."""

    all = []

    def __init__(self):
        self.process = None
        Page.all.append(self)
        self.view = WebKit2.WebView(web_context=CONTEXT)
        self.window = Gtk.Window(default_width=800, default_height=600)
        self.window.add(self.view)
        self.window.show_all()
        self.loading = self.crashing = None
        self.view.connect("load-changed", self.changed)
        self.view.connect("web-process-terminated", self.crashed)

    def goto(self, id, url):
        self.loading = id
        self.view.load_uri(url)

    def changed(self, view, event):
        if event == WebKit2.LoadEvent.FINISHED and self.loading is not None:
            others = [page.process for page in Page.all if page is not self]
            self.process = next(process for process in page_processes() if process not in others)
            answer(self.loading, value=view.get_uri())
            self.loading = None

    def crash(self, id):
        self.crashing = id
        os.kill(self.process, signal.SIGKILL)

    def crashed(self, view, reason):
        self.process = None
        answer(self.crashing, value=reason.value_nick)

    def freeze(self, id):
        os.kill(self.process, signal.SIGSTOP)
        answer(id, value=None)

    def thaw(self, id):
        os.kill(self.process, signal.SIGCONT)
        answer(id, value=None)

    def evaluate(self, id, body):
        def done(view, result):
            try:
                value = view.call_async_javascript_function_finish(result)
                answer(id, value=json.loads(value.to_string()))
            except GLib.Error as error:
                answer(id, error=error.message)

        self.view.call_async_javascript_function(body, -1, None, None, None, None, done)

    def close(self, id):
        Page.all.remove(self)
        self.window.destroy()
        answer(id, value=None)


def main():
    pages = {}

    def run(id, do, page, **arguments):
        if do == "open":
            pages[page] = Page()
            answer(id, value=None)
        else:
            getattr(pages[page], do)(id, **arguments)

    def read(commands, result):
        line, _ = commands.read_line_finish_utf8(result)
        if line is None:
            return Gtk.main_quit()
        run(**json.loads(line))
        commands.read_line_async(GLib.PRIORITY_DEFAULT, None, read)

    commands = Gio.DataInputStream.new(Gio.UnixInputStream.new(0, False))
    commands.read_line_async(GLib.PRIORITY_DEFAULT, None, read)
    Gtk.main()


main()
