"""Who is let into the app: every address closed without a link, nobody in another one's kernel, nothing told."""

import json
import re
import socket
import time
import uuid
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from helpers.answers.invitations import invite, withdraw_invitation
from helpers.workshop.app import RequestOfKernel, WorkshopApp
from helpers.workshop.identity import SignIn, mark_of
from tests.workshop.conftest import Visitor

SOMEBODY = "6f1c3d52-0b7e-4a8e-9d55-1c2f3a4b5c6d"

ADDRESSES = [
    "/",
    "/workshop",
    "/voila/render/00_start_here.ipynb",
    "/voila/render/workshop.ipynb",
    "/voila/static/voila.js",
    "/voila/static/../../../../etc/passwd",
    "/voila/templates/lab/static/index.css",
    "/voila/labextensions/anywidget/package.json",
    "/voila/tree",
    "/voila/files/workshop.ipynb",
    "/voila/api/contents/",
    "/voila/api/themes/@jupyterlab/theme-light-extension/index.css",
    "/api/contents",
    "/api/kernels",
    f"/api/kernels/{SOMEBODY}",
    f"/api/kernels/{SOMEBODY}/channels",
    "/api/sessions",
    "/api/kernelspecs",
    "/api/terminals",
    f"/voila/query/{SOMEBODY}",
    f"/voila/execution/{SOMEBODY}",
    f"/voila/api/shutdown/{SOMEBODY}",
    "/login",
    "/logout",
    "/static/favicon.ico",
    "/files/answers/.invitations.toml",
    "/metrics",
    "/lab",
]


def read_app_log(app):
    log = app.folder / ".cache" / "app.log"
    return log.read_text(encoding="utf-8") if log.exists() else ""


def join(visitor, kernel_id, **headers):
    """Open the socket of a kernel with a visitor's cookies."""
    address = visitor.root.replace("http", "ws", 1) + f"/api/kernels/{kernel_id}/channels?session_id=test"
    return connect(address, additional_headers={"Cookie": visitor.cookie_header(), **headers}, proxy=None)


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("token", ["", "?token=", "?token=a-wrong-token-of-the-usual-length", "?as=0123456789ab"])
def test_nothing_opens_without_a_link(app, address, token):
    answer = app.visit().ask(address + token)
    assert answer.status == 403
    assert "link of your own" in answer.text
    assert "Traceback" not in answer.text
    assert "a-wrong-token" not in answer.text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
def test_nothing_opens_without_a_link_whatever_the_method(app, method):
    for address in ("/", "/workshop", f"/api/kernels/{SOMEBODY}", f"/voila/api/shutdown/{SOMEBODY}"):
        assert app.visit().ask(address, method=method).status in (403, 405)


def test_every_route_asks_who_is_there_except_the_one_that_only_kernels_know():
    class Bare(WorkshopApp):
        template_paths, static_paths, labextensions_path = [], [""], []
        voila_configuration = None

    routes = Bare(kernel_road="a-secret").init_handlers()
    open_ones = [pattern for pattern, handler, *_ in routes if not issubclass(handler, SignIn)]
    assert open_ones == [r"/a-secret/voila/query/(?P<kernel_id>\w+-\w+-\w+-\w+-\w+)"]
    assert [handler for _, handler, *_ in routes if not issubclass(handler, SignIn)] == [RequestOfKernel]
    assert all(handler.prepare is SignIn.prepare for _, handler, *_ in routes if issubclass(handler, SignIn))


def test_a_link_lets_its_person_in_and_leaves_the_token_behind(app):
    visitor = app.visit("Ana Okafor")
    [cookie] = [cookie for cookie in visitor.cookies if cookie.name.startswith("workshop-")]
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert cookie.get_nonstandard_attr("SameSite") == "Strict"
    answer = visitor.ask(f"/?token={app.token('Ana Okafor')}")
    assert app.token("Ana Okafor") not in answer.text
    assert "/workshop?as=" in answer.text
    page = visitor.ask("/workshop")
    assert page.status == 200
    assert app.token("Ana Okafor") not in page.text


def test_a_token_in_a_link_to_any_page_is_exchanged_for_a_cookie(app):
    visitor = app.visit()
    answer = visitor.ask(f"/workshop?token={app.token('Ana Okafor')}")
    assert answer.status == 200
    assert "kernelId" not in answer.text
    assert visitor.ask("/workshop").status == 200


def test_the_facilitator_finds_the_workshop_first_and_then_every_notebook_with_its_question(app):
    page = app.visit("Facilitator").ask("/")
    assert "Quiet &lt;Rivers&gt;" in page.text
    places = [page.text.index(text) for text in ("/workshop?", "00_start_here.ipynb", "05_root_cause_5m.ipynb")]
    assert places == sorted(places)
    assert "What do we believe about our revenue engine, and what does the CRM say?" in page.text
    assert app.token("Facilitator") not in page.text


def test_a_respondent_opens_no_notebook(app):
    visitor = app.visit("Ana Okafor")
    for address in ("/voila/render/00_start_here.ipynb", "/voila/render/workshop.ipynb", "/voila/render/../x.ipynb"):
        answer = visitor.ask(address)
        assert answer.status == 403
        assert "Only the facilitator" in answer.text
    assert "00_start_here" not in visitor.ask("/").text


def test_the_facilitator_opens_notebooks_and_no_other_file(app):
    visitor = app.visit("Facilitator")
    assert visitor.ask("/voila/render/00_start_here.ipynb", first=200).status == 200
    for name in ("workshop.ipynb", "nothing.ipynb", "../../etc/passwd", "%2e%2e/%2e%2e/etc/passwd", ""):
        assert visitor.ask(f"/voila/render/{name}").status == 404


@pytest.mark.parametrize(
    "address",
    [
        *("/api/kernels", "/api/kernels/", "/api/sessions", "/api/contents", "/voila/api/contents/", "/voila/tree"),
        *("/voila/files/workshop.ipynb", "/files/x", "/login", "/logout", "/lab", "/terminals", "/api/kernelspecs"),
        *(f"/voila/query/{SOMEBODY}", f"/voila/execution/{SOMEBODY}", "/voila/static/%2e%2e/%2e%2e/conf.json"),
        *("/voila/templates/lab/static/%2e%2e/index.html.j2", "/voila/labextensions/%2e%2e/%2e%2e/etc/passwd"),
    ],
)
def test_even_the_facilitator_finds_no_list_of_kernels_no_files_and_no_log_in(app, address):
    answer = app.visit("Facilitator").ask(address)
    assert answer.status in (403, 404)
    assert "root:" not in answer.text
    assert "kernelspec" not in answer.text


def test_nobody_reaches_the_kernel_of_another_one(app):
    ana, ben, facilitator = (app.visit(name) for name in ("Ana Okafor", "Ben Ito", "Facilitator"))
    kernel = ana.open_workshop()
    assert ana.ask(f"/api/kernels/{kernel}").status == 200
    for other in (ben, facilitator, app.visit()):
        other.ask("/workshop", first=100)  # gives a respondent the cookie that changes need
        forged = {"X-XSRFToken": other.xsrf()} if other.xsrf() else {}
        assert other.ask(f"/api/kernels/{kernel}").status == 403
        assert other.ask(f"/api/kernels/{kernel}", method="DELETE", headers=forged).status == 403
        body = f"_xsrf={other.xsrf()}".encode()
        assert other.ask(f"/voila/api/shutdown/{kernel}", method="POST", data=body).status == 403
        with pytest.raises(InvalidStatus) as refused:
            join(other, kernel)
        assert refused.value.response.status_code == 403
    assert ana.ask(f"/api/kernels/{kernel}").status == 200


def test_a_kernel_that_stands_ready_belongs_to_nobody(app):
    visitor = app.visit("Facilitator")
    assert visitor.ask(f"/api/kernels/{uuid.uuid4()}").status == 403


def test_another_site_can_neither_join_a_kernel_nor_end_it(app):
    ana = app.visit("Ana Okafor")
    kernel = ana.open_workshop()
    with pytest.raises(InvalidStatus) as refused:
        join(ana, kernel, Origin="http://elsewhere.example")
    assert refused.value.response.status_code == 403
    away = {"Origin": "http://elsewhere.example"}
    body = f"_xsrf={ana.xsrf()}".encode()
    assert ana.ask(f"/voila/api/shutdown/{kernel}", method="POST", data=body, headers=away).status in (403, 404)
    assert ana.ask(f"/voila/api/shutdown/{kernel}", method="POST", data=b"").status == 403
    assert ana.ask(f"/api/kernels/{kernel}").status == 200


def test_a_browser_runs_no_code_of_its_own(app, tmp_path):
    ana = app.visit("Ana Okafor")
    kernel = ana.open_workshop()
    trace = tmp_path / "trace.txt"
    header = {"msg_id": uuid.uuid4().hex, "username": "x", "session": "test", "version": "5.3"}
    code = f"open({str(trace)!r}, 'w').write('x')"
    content = {"code": code, "silent": False, "store_history": False, "user_expressions": {}, "allow_stdin": False}
    with join(ana, kernel) as socket:
        for kind, body in (("execute_request", content), ("kernel_info_request", {})):
            message = {"header": {**header, "msg_type": kind}, "parent_header": {}, "metadata": {}, "content": body}
            socket.send(json.dumps({**message, "channel": "shell", "buffers": []}))
        while json.loads(socket.recv(timeout=60))["header"]["msg_type"] != "kernel_info_reply":
            pass
    assert not trace.exists()


def test_closing_the_page_ends_its_kernel(app):
    ana = app.visit("Ana Okafor")
    kernel = ana.open_workshop()
    body = f"_xsrf={ana.xsrf()}".encode()
    assert ana.ask(f"/voila/api/shutdown/{kernel}", method="POST", data=body).status == 204
    assert ana.ask(f"/api/kernels/{kernel}").status == 404


def test_every_answer_forbids_other_machines_and_tells_nobody_where_one_comes_from(app):
    ana = app.visit("Ana Okafor")
    for visitor, address in ((ana, "/workshop"), (ana, "/"), (app.visit("Facilitator"), "/"), (app.visit(), "/")):
        headers = visitor.ask(address).headers
        assert headers["Referrer-Policy"] == "no-referrer"
        policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
        assert policy["default-src"] == "'self'"
        assert policy["frame-ancestors"] == "'none'"
        allowed = " ".join(policy.values()).split()
        assert not [source for source in allowed if "//" in source and visitor.root.partition("//")[2] not in source]
        assert "Access-Control-Allow-Origin" not in headers


def test_two_people_at_one_machine_keep_their_own_pages(app):
    shared = Visitor(app.root)
    marks = []
    for name in ("Ana Okafor", "Ben Ito"):
        answer = shared.ask(f"/?token={app.token(name)}")
        marks.append(answer.text.partition("/workshop?as=")[2][:12])
    kernels = []
    for mark in marks:
        page = shared.ask(f"/workshop?as={mark}")
        kernels.append(page.text.partition('"kernelId": "')[2][:36])
    assert all(shared.ask(f"/api/kernels/{kernel}").status == 200 for kernel in kernels)
    assert app.visit("Ana Okafor").ask(f"/api/kernels/{kernels[0]}").status == 200
    assert app.visit("Ana Okafor").ask(f"/api/kernels/{kernels[1]}").status == 403


def test_a_withdrawn_link_opens_nothing_any_more(app):
    invite(app.folder, "Cleo Late")
    token = app.token("Cleo Late")
    cleo = app.visit("Cleo Late")
    kernel = cleo.open_workshop()
    withdraw_invitation(app.folder, "Cleo Late")
    assert cleo.ask("/workshop").status == 403
    assert cleo.ask(f"/?token={token}").status == 403
    assert cleo.ask(f"/api/kernels/{kernel}").status == 403


def ask_raw(app, target, cookie):
    """Send an address as it stands, without what a client would tidy up in it; returns status and page."""
    place = urlsplit(app.root)
    with socket.create_connection((place.hostname, place.port), timeout=60) as line:
        head = f"GET {target} HTTP/1.1\r\nHost: {place.netloc}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n"
        line.sendall(head.encode("latin-1"))
        told = b"".join(iter(lambda: line.recv(65536), b"")).decode("utf-8", "replace")
    return int(told.split(" ")[1]), told


@pytest.mark.parametrize(
    "target",
    [
        *("//voila/render/00_start_here.ipynb", "/voila/render/%30%30_start_here.ipynb", "/%76oila/render/x.ipynb"),
        *("/voila/static/..%2f..%2f..%2fetc%2fpasswd", "/voila/static//etc/passwd", "/voila/static/%00"),
        *("/voila/labextensions/%2fetc%2fpasswd", "/voila/labextensions/..%2f..%2fetc%2fpasswd"),
        *("/../answers/.invitations.toml", "/answers/.invitations.toml", "/api/contents/answers", "/api/status"),
        *("http://elsewhere.example/", "http://elsewhere.example/voila/render/00_start_here.ipynb", "*"),
        *("/workshop?as=%ff", "/?token=%ff%fe", "/?token=" + "a" * 5000),
    ],
)
def test_no_trick_with_an_address_opens_anything_to_a_respondent(app, target):
    status, told = ask_raw(app, target, app.visit("Ana Okafor").cookie_header())
    assert status in (400, 403, 404)
    assert not [word for word in ("kernelId", "root:", "Traceback", "token =") if word in told]
    assert "<h1>" in told or not target.startswith("/")


def test_anothers_kernel_stays_closed_however_its_address_is_written(app):
    ana, ben = app.visit("Ana Okafor"), app.visit("Ben Ito")
    own, other = ana.open_workshop(), ben.open_workshop()
    for target in (
        *(f"/api/kernels/{other.upper()}", f"//api/kernels/{other}", f"/api/kernels/{own}/../{other}"),
        *(f"/api/kernels/{own}%2f..%2f{other}", f"/api/kernels/{other}?as={mark_of(app.token('Ana Okafor'))}"),
    ):
        assert ask_raw(app, target, ana.cookie_header())[0] in (403, 404)


def test_a_cookie_counts_by_its_token_whatever_it_is_called(app):
    ana, boss = app.token("Ana Okafor"), app.token("Facilitator")
    for cookie in (f"workshop-{mark_of(boss)}={ana}", f"workshop-{mark_of(boss)}=", f"token={boss}", f"_xsrf={boss}"):
        for target in ("/voila/render/00_start_here.ipynb", f"/voila/render/00_start_here.ipynb?as={mark_of(boss)}"):
            assert ask_raw(app, target, cookie)[0] == 403


@pytest.mark.parametrize(
    "origin", ["null", "file://", "http://127.0.0.1:1", "http://{host}.example", "http://x@{host}"]
)
def test_a_socket_opens_to_pages_of_this_very_address_only(app, origin):
    ana = app.visit("Ana Okafor")
    with pytest.raises(InvalidStatus) as refused:
        join(ana, ana.open_workshop(), Origin=origin.format(host=urlsplit(app.root).netloc))
    assert refused.value.response.status_code == 403


def test_a_damaged_list_of_who_is_invited_lets_nobody_in_and_says_what_to_mend(app):
    ana = app.visit("Ana Okafor")
    file = app.folder / "answers" / ".invitations.toml"
    whole = file.read_text(encoding="utf-8")
    try:
        file.write_text(whole.replace("]]", "]", 1), encoding="utf-8")
        for visitor, address in ((ana, "/workshop"), (app.visit(), "/?token=x")):
            answer = visitor.ask(address)
            assert answer.status == 500 and "answers/.invitations.toml" in answer.text
            assert "kernelId" not in answer.text and "Traceback" not in answer.text
        assert ".invitations.toml, row 1]" in read_app_log(app)
        assert not [token for token in re.findall(r'token = "(.*)"', whole) if token in read_app_log(app)]
    finally:
        file.write_text(whole, encoding="utf-8")
    assert ana.ask("/workshop").status == 200


def test_a_socket_that_was_open_when_the_link_was_withdrawn_is_heard_no_more(app):
    invite(app.folder, "Dana Gone")
    dana = app.visit("Dana Gone")
    kernel = dana.open_workshop()
    header = {"msg_id": uuid.uuid4().hex, "username": "x", "session": "test", "version": "5.3"}
    asks = {"header": {**header, "msg_type": "kernel_info_request"}, "parent_header": {}, "metadata": {}, "content": {}}
    message = json.dumps({**asks, "channel": "shell", "buffers": []})

    def is_answered(line, seconds):
        end = time.monotonic() + seconds
        with suppress(TimeoutError):
            while (left := end - time.monotonic()) > 0:
                if json.loads(line.recv(timeout=left))["header"]["msg_type"] == "kernel_info_reply":
                    return True
        return False

    with join(dana, kernel) as line:
        line.send(message)
        assert is_answered(line, 60)
        withdraw_invitation(app.folder, "Dana Gone")
        line.send(message)
        assert not is_answered(line, 3)


def test_no_token_stands_in_the_log(app):
    app.visit().ask("/?token=a-wrong-token-of-the-usual-length")
    told = app.log.read_text()
    assert "token" not in told
    assert "Traceback" not in told
