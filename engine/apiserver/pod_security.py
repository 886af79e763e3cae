"""The pod security standards: what pods of the levels baseline and restricted must and must not do (k8s.io/pod-security-admission)."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from engine.base.objects import Obj, annotations_of, dig

PRIVILEGED, BASELINE, RESTRICTED = "privileged", "baseline", "restricted"

Check = Callable[[Obj], str]
"""What is wrong with a pod or a template, in upstream's words; empty where nothing is."""

_DEFAULT_CAPABILITIES = frozenset(
    {
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    }
)
_SAFE_SYSCTLS = frozenset(
    [
        "kernel.shm_rmid_forced",
        *(f"net.ipv4.ip_{name}" for name in ("local_port_range", "local_reserved_ports", "unprivileged_port_start")),
        "net.ipv4.ping_group_range",
        *(
            f"net.ipv4.tcp_{name}"
            for name in ("fin_timeout", "keepalive_intvl", "keepalive_probes", "keepalive_time", "rmem", "syncookies")
        ),
        "net.ipv4.tcp_wmem",
    ]
)
_SELINUX_TYPES = frozenset({"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"})
_VOLUMES = ("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret")


def violations(pod: Obj, level: str) -> list[str]:
    """Each `reason (detail)` by which a pod (anything with metadata and spec) violates a level."""
    checks = {PRIVILEGED: (), BASELINE: BASELINE_CHECKS, RESTRICTED: RESTRICTED_CHECKS}[level]
    return [found for check in checks if (found := check(pod))]


def _containers(pod: Obj) -> Iterator[Obj]:
    for field in ("initContainers", "containers", "ephemeralContainers"):
        yield from dig(pod, "spec", field) or ()


def _context(container: Obj, *path: str) -> Any:
    return dig(container, "securityContext", *path)


def _named(names: Sequence[str], one: str = "container", many: str = "") -> str:
    """`container "a"`, `containers "a", "b"`."""
    return f"{one if len(names) == 1 else many or one + 's'} {_quoted(names)}"


def _quoted(values: Iterable[str]) -> str:
    return ", ".join(f'"{value}"' for value in values)


def _names(pod: Obj, bad: Callable[[Obj], bool]) -> list[str]:
    return [container["name"] for container in _containers(pod) if bad(container)]


def _on_windows(pod: Obj) -> bool:
    return bool(dig(pod, "spec", "os", "name") == "windows")


def _app_armor(pod: Obj) -> str:
    allowed = (None, "RuntimeDefault", "Localhost")
    setters = ["pod"] if dig(pod, "spec", "securityContext", "appArmorProfile", "type") not in allowed else []
    bad = _names(pod, lambda c: _context(c, "appArmorProfile", "type") not in allowed)
    setters += [_named(bad)] if bad else []
    found = [f'{" and ".join(setters)} must not set AppArmor profile type to "Unconfined"'] if setters else []
    for key, value in sorted(annotations_of(pod).items()):
        known = value in ("", "runtime/default") or value.startswith("localhost/")
        if key.startswith("container.apparmor.security.beta.kubernetes.io/") and not known:
            found.append(f'annotation {key}="{value}"')
    return f"forbidden AppArmor profile ({', '.join(found)})" if found else ""


def _added_capabilities(pod: Obj, allowed: Iterable[str]) -> str:
    extra = {c["name"]: [cap for cap in _context(c, "capabilities", "add") or () if cap not in allowed] for c in _containers(pod)}
    bad = [name for name, capabilities in extra.items() if capabilities]
    capabilities = sorted({cap for found in extra.values() for cap in found})
    return f"{_named(bad)} must not include {_quoted(capabilities)} in securityContext.capabilities.add" if bad else ""


def _capabilities(pod: Obj) -> str:
    found = _added_capabilities(pod, _DEFAULT_CAPABILITIES)
    return f"non-default capabilities ({found})" if found else ""


def _host_namespaces(pod: Obj) -> str:
    found = [f"{field}=true" for field in ("hostNetwork", "hostPID", "hostIPC") if dig(pod, "spec", field)]
    return f"host namespaces ({', '.join(found)})" if found else ""


def _host_paths(pod: Obj) -> str:
    found = [volume["name"] for volume in dig(pod, "spec", "volumes") or () if volume.get("hostPath") is not None]
    return f"hostPath volumes ({_named(found, 'volume')})" if found else ""


def _host_ports(pod: Obj) -> str:
    ports = {c["name"]: [p["hostPort"] for p in c.get("ports") or () if p.get("hostPort")] for c in _containers(pod)}
    bad = [name for name, found in ports.items() if found]
    numbers = sorted({str(port) for found in ports.values() for port in found})
    if not bad:
        return ""
    verb, noun = "uses" if len(bad) == 1 else "use", "hostPort" if len(numbers) == 1 else "hostPorts"
    return f"hostPort ({_named(bad)} {verb} {noun} {', '.join(numbers)})"


def _privileged(pod: Obj) -> str:
    bad = _names(pod, lambda c: bool(_context(c, "privileged")))
    return f"privileged ({_named(bad)} must not set securityContext.privileged=true)" if bad else ""


def _proc_mount(pod: Obj) -> str:
    bad = _names(pod, lambda c: _context(c, "procMount") not in (None, "Default"))
    kinds = sorted({_context(c, "procMount") for c in _containers(pod) if c["name"] in bad})
    return f"procMount ({_named(bad)} must not set securityContext.procMount to {_quoted(kinds)})" if bad else ""


def _selinux(pod: Obj) -> str:
    options = {"": dig(pod, "spec", "securityContext", "seLinuxOptions") or {}}
    options |= {c["name"]: _context(c, "seLinuxOptions") or {} for c in _containers(pod)}

    def is_bad(given: Obj) -> bool:
        return (given.get("type") or "") not in _SELINUX_TYPES or bool(given.get("user") or given.get("role"))

    bad = {name: given for name, given in options.items() if is_bad(given)}
    if not bad:
        return ""
    names = [name for name in bad if name]
    setters = [*(["pod"] if "" in bad else []), *([_named(names)] if names else [])]
    types = sorted({given["type"] for given in bad.values() if (given.get("type") or "") not in _SELINUX_TYPES})
    data = [f"{'type' if len(types) == 1 else 'types'} {_quoted(types)}"] if types else []
    data += [f"{field} may not be set" for field in ("user", "role") if any(given.get(field) for given in bad.values())]
    return f"seLinuxOptions ({' and '.join(setters)} set forbidden securityContext.seLinuxOptions: {'; '.join(data)})"


def _seccomp(pod: Obj) -> str:
    setters = ["pod"] if dig(pod, "spec", "securityContext", "seccompProfile", "type") == "Unconfined" else []
    bad = _names(pod, lambda c: bool(_context(c, "seccompProfile", "type") == "Unconfined"))
    setters += [_named(bad)] if bad else []
    return f'seccompProfile ({" and ".join(setters)} must not set securityContext.seccompProfile.type to "Unconfined")' if setters else ""


def _sysctls(pod: Obj) -> str:
    found = [s["name"] for s in dig(pod, "spec", "securityContext", "sysctls") or () if s["name"] not in _SAFE_SYSCTLS]
    return f"forbidden sysctls ({', '.join(found)})" if found else ""


def _host_process(pod: Obj) -> str:
    setters = ["pod"] if dig(pod, "spec", "securityContext", "windowsOptions", "hostProcess") else []
    bad = _names(pod, lambda c: bool(_context(c, "windowsOptions", "hostProcess")))
    setters += [_named(bad)] if bad else []
    return f"hostProcess ({' and '.join(setters)} must not set securityContext.windowsOptions.hostProcess=true)" if setters else ""


def _escalation(pod: Obj) -> str:
    bad = [] if _on_windows(pod) else _names(pod, lambda c: _context(c, "allowPrivilegeEscalation") is not False)
    text = f"{_named(bad)} must set securityContext.allowPrivilegeEscalation=false" if bad else ""
    return f"allowPrivilegeEscalation != false ({text})" if text else ""


def _dropped_capabilities(pod: Obj) -> str:
    if _on_windows(pod):
        return ""
    bad = _names(pod, lambda c: "ALL" not in (_context(c, "capabilities", "drop") or ()))
    found = [f'{_named(bad)} must set securityContext.capabilities.drop=["ALL"]'] if bad else []
    extra = _added_capabilities(pod, ("NET_BIND_SERVICE",))
    found += [extra] if extra else []
    return f"unrestricted capabilities ({'; '.join(found)})" if found else ""


def _volume_types(pod: Obj) -> str:
    bad: list[str] = []
    types: set[str] = set()
    for volume in dig(pod, "spec", "volumes") or ():
        kinds = [field for field in volume if field != "name"]
        if not any(kind in _VOLUMES for kind in kinds):
            bad.append(volume["name"])
            types.update(kinds or ["unknown"])
    if not bad:
        return ""
    kinds_shown = f"restricted volume {'type' if len(types) == 1 else 'types'} {_quoted(sorted(types))}"
    return f"restricted volume types ({_named(bad, 'volume')} {'uses' if len(bad) == 1 else 'use'} {kinds_shown})"


def _non_root(pod: Obj) -> str:
    whole = dig(pod, "spec", "securityContext", "runAsNonRoot")
    explicit = _names(pod, lambda c: _context(c, "runAsNonRoot") is False)
    if explicit or whole is False:
        setters = [*(["pod"] if whole is False else []), *([_named(explicit)] if explicit else [])]
        if explicit or _names(pod, lambda c: _context(c, "runAsNonRoot") is None):
            return f"runAsNonRoot != true ({' and '.join(setters)} must not set securityContext.runAsNonRoot=false)"
        return ""
    bad = [] if whole else _names(pod, lambda c: _context(c, "runAsNonRoot") is None)
    return f"runAsNonRoot != true (pod or {_named(bad)} must set securityContext.runAsNonRoot=true)" if bad else ""


def _root_user(pod: Obj) -> str:
    setters = ["pod"] if dig(pod, "spec", "securityContext", "runAsUser") == 0 else []
    bad = _names(pod, lambda c: bool(_context(c, "runAsUser") == 0))
    setters += [_named(bad)] if bad else []
    return f"runAsUser=0 ({' and '.join(setters)} must not set runAsUser=0)" if setters else ""


def _seccomp_required(pod: Obj) -> str:
    unconfined = _seccomp(pod)
    whole = dig(pod, "spec", "securityContext", "seccompProfile", "type")
    if unconfined or whole or _on_windows(pod):
        return unconfined
    bad = _names(pod, lambda c: not _context(c, "seccompProfile", "type"))
    needed = 'must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"'
    return f"seccompProfile (pod or {_named(bad)} {needed})" if bad else ""


_COMMON: tuple[Check, ...] = (_host_namespaces, _host_ports, _privileged, _proc_mount, _selinux, _sysctls, _host_process)
BASELINE_CHECKS: tuple[Check, ...] = (
    _app_armor,
    _capabilities,
    _host_namespaces,
    _host_paths,
    _host_ports,
    _privileged,
    _proc_mount,
    _selinux,
    _seccomp,
    _sysctls,
    _host_process,
)
RESTRICTED_CHECKS: tuple[Check, ...] = (
    _app_armor,
    *_COMMON,
    _escalation,
    _dropped_capabilities,
    _volume_types,
    _non_root,
    _root_user,
    _seccomp_required,
)
"""The checks of a level in upstream's order; some of baseline are contained in stricter ones."""
