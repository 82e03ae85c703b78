# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which symbols of ansible-core sources use, and which of them a core has."""

from __future__ import annotations

import textwrap

import pytest
from stage import symbols, symbols_declared, symbols_found, symbols_probe
from stage.symbols_declared import Declared
from stage.versions import find

ACTION = "ansible.plugins.action.ActionBase"
TYPES = {f"{ACTION}._task": "ansible.playbook.task.Task"}


@pytest.fixture
def uses(tmp_path):
    """What these files, named by their text, use: ``uses("import ansible")``."""

    def read(*texts, folder="plugins/plugin_utils"):
        place = tmp_path / folder
        place.mkdir(parents=True, exist_ok=True)
        for number, text in enumerate(texts):
            (place / f"file{number}.py").write_text(textwrap.dedent(text))
        return symbols_found.find(tmp_path, ("plugins",), TYPES)

    return read


def test_what_is_imported_and_its_attributes_are_found_under_any_name(uses):
    found = uses("""
        from ansible.executor import module_common as common
        import ansible.constants as C
        old: Any = common
        print(old._get_shebang("x", remote_is_local=True), C.DEFAULT_LOCAL_TMP)
        """)
    assert set(found.symbols) == {
        "ansible.constants",
        "ansible.constants.DEFAULT_LOCAL_TMP",
        "ansible.executor.module_common",
        "ansible.executor.module_common._get_shebang",
        "ansible.executor.module_common._get_shebang(remote_is_local)",
    }
    assert found.symbols["ansible.constants"] == {"plugins/plugin_utils/file0.py:3"}


def test_what_is_asked_for_by_a_string_is_found(uses):
    found = uses("""
        import importlib
        made = importlib.import_module("ansible._internal._task")
        made.UnifiedTaskResult.from_action_result_dict({})
        new = getattr(made, "Newer", None)
        new(host=1)
        hasattr(made, "_Private")
        """)
    assert set(found.symbols) == {
        "ansible._internal._task",
        "ansible._internal._task.UnifiedTaskResult",
        "ansible._internal._task.UnifiedTaskResult.from_action_result_dict",
        "ansible._internal._task.Newer",
        "ansible._internal._task.Newer(host)",
        "ansible._internal._task._Private",
    }


def test_attributes_of_objects_whose_class_is_known_are_found(uses):
    found = uses("""
        from ansible.plugins.action import ActionBase
        from ansible.utils.display import Display

        def of_a_parameter(action: ActionBase | None) -> None:
            action._connection.become
            action._task.async_val = 3

        shown = Display()
        shown.banner("x", color="y")
        """)
    assert set(found.symbols) == {
        ACTION,
        f"{ACTION}._connection",
        f"{ACTION}._task",
        "ansible.playbook.task.Task.async_val",
        "ansible.utils.display.Display",
        "ansible.utils.display.Display.banner",
        "ansible.utils.display.Display.banner(color)",
    }


def test_what_a_class_has_from_core_is_found_through_classes_of_other_files(uses):
    found = uses(
        """
        from ansible.plugins.action import ActionBase
        class Carrier(ActionBase):
            _mine = 1
            def _configure_module(self):
                return super()._configure_module(self._mine)
        """,
        """
        from ansible_collections.longrun.jobs.plugins.plugin_utils import _core
        class ActionModule(_core.Carrier):
            def run(self):
                self._configure_module()
                self._own, self._mine = 1, 2
                return self._templar, self._own
        """,
    )
    assert set(found.symbols) == {ACTION, f"{ACTION}._configure_module", f"{ACTION}._templar"}
    assert not found.unknown


def test_the_methods_by_which_core_tells_a_callback_of_events_are_found(uses):
    found = uses("""
        from ansible.plugins.callback import CallbackBase as Base
        class CallbackModule(Base):
            def v2_runner_on_ok(self, result): ...
            def other(self): ...
        """)
    base = "ansible.plugins.callback.CallbackBase"
    assert set(found.symbols) == {base, f"{base}.v2_runner_on_ok"}


def test_a_private_attribute_of_an_object_that_is_not_known_is_told_with_its_place(uses):
    found = uses("""
        class Own:
            _defined = 1
        def get(thing, playbook):
            playbook._asdict()
            return thing._defined, playbook._file_name, playbook.__dict__
        """)
    assert found.unknown == {"_file_name": {"plugins/plugin_utils/file0.py:6"}}


def test_private_attributes_on_the_target_are_not_taken_for_cores(uses):
    assert not uses("import sys\nsys._getframe()\n", folder="plugins/module_utils").unknown


def test_what_is_not_declared_and_what_is_declared_in_vain_is_told(uses):
    found = uses("def get(playbook): return playbook._file_name, playbook.name\n")
    (undeclared,) = symbols.undeclared(found, [])
    assert "_file_name" in undeclared and "file0.py:1" in undeclared
    needed = [
        Declared("ansible.playbook.Playbook._file_name"),
        Declared("ansible.playbook.Playbook.name"),
    ]
    assert symbols.undeclared(found, needed) == []
    (needless,) = symbols.undeclared(found, [*needed, Declared("ansible.errors.Gone")])
    assert needless == "ansible.errors.Gone is declared, but nothing uses it"


def test_bounds_hold_for_what_is_below_and_the_narrowest_counts():
    declared = [
        Declared("ansible.a.B", since="2.19", until="2.21"),
        Declared("ansible.a.B.c", since="2.20"),
        Declared("ansible.a.B.c(d)"),
    ]
    assert symbols.bounds("ansible.a.B.c(d)", declared) == ("2.20", "2.21")
    assert symbols.bounds("ansible.a.B(d)", declared) == ("2.19", "2.21")
    assert symbols.bounds("ansible.a.Bc", declared) == ("", "")


@pytest.mark.parametrize(
    "answer, core, bounds, told",
    [
        ("yes", "2.16", ("", ""), "yes"),
        ("any", "2.16", ("", ""), "yes"),
        ("no", "2.16", ("", ""), "GONE"),
        ("no", "2.18", ("2.19", ""), ""),
        ("no", "2.19", ("2.19", ""), "GONE"),
        ("no", "2.20", ("", "2.20"), "GONE"),
        ("no", "2.21", ("", "2.20"), ""),
        ("yes", "2.21", ("", "2.20"), "unused"),
        ("any", "2.18", ("2.21", ""), ""),
    ],
)
def test_a_symbol_is_gone_only_where_it_is_not_declared_to_be(answer, core, bounds, told):
    assert symbols.cell(answer, find(core), *bounds) == told


def test_a_symbol_that_only_a_subclass_has_is_looked_for_there():
    uses = symbols_found.Uses(symbols={"ansible.a.Base._x": {"f.py:1"}})
    listed = symbols.all_used(
        uses, [Declared("ansible.b")], {"ansible.a.Base._x": "ansible.a.Sub._x"}
    )
    assert listed == ["ansible.a.Sub._x", "ansible.b"]


def test_every_bound_is_a_core_of_the_table():
    for one in symbols_declared.DECLARED:
        for version in (one.since, one.until):
            assert not version or find(version)


@pytest.fixture
def made_up(tmp_path, monkeypatch):
    package = tmp_path / "made_up"
    (package / "sub").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "sub" / "__init__.py").write_text(textwrap.dedent("""
            class Base:
                announced: int

                def __init__(self):
                    self._set = 1

            class Field:
                def __get__(self, thing, kind):
                    return thing.missing

            class Thing(Base):
                field = Field()

                def named(self, one, *, two): ...
                def passing(self, **others): ...
            """))
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.parametrize(
    "symbol, answer",
    [
        ("made_up", "yes"),
        ("made_up.sub", "yes"),
        ("made_up.other", "no"),
        ("made_up.sub.Thing", "yes"),
        ("made_up.sub.Other.attribute", "no"),
        ("made_up.sub.Thing.named", "yes"),
        ("made_up.sub.Thing.field", "yes"),
        ("made_up.sub.Thing._set", "yes"),
        ("made_up.sub.Thing.announced", "yes"),
        ("made_up.sub.Thing._never_set", "no"),
        ("made_up.sub.Thing.named(two)", "yes"),
        ("made_up.sub.Thing.named(three)", "no"),
        ("made_up.sub.Thing.passing(three)", "any"),
        ("made_up.sub.Other.named(two)", "no"),
    ],
)
@pytest.mark.usefixtures("made_up")
def test_a_core_is_asked_for_modules_attributes_of_objects_and_parameters(symbol, answer):
    assert symbols_probe.answer(symbol) == answer
