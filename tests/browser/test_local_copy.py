"""The browser's copy of what is typed: what Python said too early never takes a text away from whoever types it.

A control's model is one of ours here, with what ipywidgets keeps of a value that is on its way to Python.
"""

import pytest

CONTROL = """async () => {
    const control = window.control = new FakeModel({value: "290"});
    Object.assign(control, {_pending_msgs: 0, _msg_buffer: null, _expectedEchoMsgIds: new Map(), _state_lock: null});
    window.say = (value) => {
        control._state_lock = {value};
        control.receive({value});
        control._state_lock = null;
    };
    window.type = (value) => { control.set("value", value); control.save_changes(); };
    const model = window.models.at(-1);
    model.widget_manager = {get_model: async () => control};
    model.receive({watched: {goal: [["its id", "value"]]}});
    await new Promise((done) => setTimeout(done));
}"""
UNDERWAY = {
    "sent": "control._pending_msgs = 1; control._expectedEchoMsgIds.set('value', 'a message');",
    "held back": "control._pending_msgs = 1; control._msg_buffer = {value: '70'};",
}


@pytest.fixture
def type_and_say(page, mount):
    """Types a text, and lets Python say another one while things stand as told; returns what the control then shows."""
    mount("local_copy", owner="somebody", watched={}, place="")
    page.evaluate(CONTROL)

    def do(typed, stands, said):
        script = f"([typed, said]) => {{ type(typed); {stands} say(said); }}"
        page.evaluate(script, [typed, said])
        return page.evaluate("async () => { await null; return control.get('value'); }")

    return do


@pytest.mark.parametrize("stands", UNDERWAY)
def test_a_text_on_its_way_to_python_stays_where_it_is_and_is_sent_again(page, type_and_say, stands):
    assert type_and_say("70", UNDERWAY[stands], "310") == "70"
    assert page.evaluate("control.saved") == [{"value": "70"}, {"value": "70"}]


def test_what_python_says_after_it_has_heard_the_text_is_shown(type_and_say):
    assert type_and_say("70", "", "310") == "310"


def test_what_python_says_of_a_text_that_nobody_has_typed_is_shown(page, type_and_say):
    page.evaluate("control._pending_msgs = 1; control._expectedEchoMsgIds.set('value', 'a message'); say('310')")
    assert page.evaluate("async () => { await null; return control.get('value'); }") == "310"
