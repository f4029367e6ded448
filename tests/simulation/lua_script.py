"""How does a script of the ledger run without a server?

The text that Redis is given runs here in the same Lua, 5.1, with the same globals, on simulated
data. Compiled once per process and text.
"""

from collections.abc import Callable, Sequence
from typing import Any

from lupa.lua51 import LuaError, LuaRuntime, lua_type

from tests.simulation.redis_commands import NotSimulatedError, RedisData, Status, WrongTypeError

# What Redis gives scripts and takes from them; the rest of Lua's globals stay as they are.
# lupa itself needs `debug`.
_PRELUDE = """
local dispatch = ...
redis = {
  call = function(...) return dispatch(true, ...) end,
  pcall = function(...) return dispatch(false, ...) end,
  error_reply = function(text) return {err = text} end,
  status_reply = function(text) return {ok = text} end,
  log = function() end,
  LOG_DEBUG = 0, LOG_VERBOSE = 1, LOG_NOTICE = 2, LOG_WARNING = 3,
}
for _, name in ipairs({'io', 'require', 'module', 'package', 'print', 'dofile', 'loadfile',
    'python', 'os'}) do
  rawset(_G, name, nil)
end
local guard = {
  __newindex = function(_, name) error('a script sets the global ' .. tostring(name)) end,
  __index = function(_, name) error('a script reads the unknown global ' .. tostring(name)) end,
}
setmetatable(_G, guard)
return function(keys, arguments)
  rawset(_G, 'KEYS', keys)
  rawset(_G, 'ARGV', arguments)
end
"""


class ScriptError(Exception):
    """The script ended with an error, as Redis would answer it."""


class LuaScripts:
    """One Lua for all scripts of a process; `run` is told on which data."""

    def __init__(self) -> None:
        self._lua: Any = LuaRuntime(unpack_returned_tuples=False, register_eval=False)
        self._data = RedisData()
        self._table_of: Callable[[Any], Any] = self._lua.table_from
        self._flat = self._lua.eval("function(t) return #t, t.err, t.ok, unpack(t) end")
        self._enter = self._lua.execute(_PRELUDE, self._dispatch)
        self._chunks: dict[str, Any] = {}

    def run(
        self, source: str, data: RedisData, keys: Sequence[str], arguments: Sequence[str | int]
    ) -> Any:
        """Run a script to its end; what Redis would answer.

        Raises:
            ScriptError: The script failed; what it had written by then stays.
            NotSimulatedError: It did what is not simulated.
        """
        chunk = self._chunks.get(source)
        if chunk is None:
            chunk = self._chunks[source] = self._lua.compile(_without_flags(source))
        self._data = data
        self._enter(self._table_of(keys), self._table_of([str(each) for each in arguments]))
        try:
            return self._reply(chunk())
        except LuaError as error:
            raise ScriptError(str(error)) from None

    def _dispatch(self, fails: Any, name: str, *arguments: Any) -> Any:
        words = [each if type(each) is str else _text(each) for each in arguments]
        try:
            answer = self._data.call(name, words)
        except WrongTypeError as error:
            if fails:
                raise ScriptError(f"WRONGTYPE {error}") from None
            return self._lua.table_from({"err": f"WRONGTYPE {error}"})
        if answer is None:
            return False
        if type(answer) is list:
            return self._table_of([False if each is None else each for each in answer])
        if type(answer) is Status:
            return self._lua.table_from({"ok": answer.text})
        return answer

    def _reply(self, value: Any) -> Any:
        if lua_type(value) == "table":
            found = self._flat(value)
            if found[1] is not None:
                raise ScriptError(str(found[1]))
            if found[2] is not None:
                return found[2]
            whole = found[3 : found.index(None, 3)] if None in found[3:] else found[3:]
            return [self._reply(each) for each in whole]
        if value is True:
            return 1
        if value is False:
            return None
        return int(value) if isinstance(value, float) else value


def _text(value: Any) -> str:
    """A number as Redis hands it to a command; servers write fractions differently."""
    if type(value) is not int or abs(value) >= 10**17:
        raise NotSimulatedError(f"the argument {value!r}")
    return str(value)


def _without_flags(source: str) -> str:
    """The text without its first line where that is `#!lua ...`, which Lua does not read."""
    if source.startswith("#!"):
        return "--" + source
    return source
