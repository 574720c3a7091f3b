"""What is provisioned: from the configurations in the catalog to environments that are kept.

Level-triggered: with every change of a configuration, an alias, a version or a function, what each
version should have is worked out anew and handed to whoever keeps environments. When an alias
moves, its new version's environments are made first; the old one's stay until those are ready, or
have failed. Concurrency is set aside for the new one at once.

Where several gateways share the functions, only the one that runs a function keeps environments of
it; what the others have kept is theirs to hand over, and here it is only forgotten.
"""

from collections.abc import Callable
from typing import Protocol

from inglenook.capacity import provisioned
from inglenook.catalog.catalog import Catalog
from inglenook.model import function
from inglenook.model.provisioned import ProvisionedConcurrency
from inglenook.store import kinds
from inglenook.wire import messages


class Keeper(Protocol):
    """Who keeps environments."""

    def provision(
        self, version: messages.VersionId, spec: function.Spec, *, environments: int, aside: int
    ) -> None:
        """Keep environments of a version, and set concurrency aside for it; 0: none any more."""

    def standing(self, version: messages.VersionId) -> provisioned.Standing:
        """Tell how the provisioned environments of a version stand."""

    def retry(self, version: messages.VersionId) -> None:
        """Try at once what has failed, as if it had not."""


class Provisions:
    """The provisioned concurrency of all functions."""

    def __init__(
        self,
        catalog: Catalog,
        keeper: Keeper,
        claim: Callable[[str], bool] = lambda _name: True,
    ) -> None:
        """`claim` tells whether a function is this gateway's to run now.

        If it will be, but is not yet, it is to be reconciled again then.
        """
        self._catalog = catalog
        self._keeper = keeper
        self._claim = claim
        self._configs: dict[str, dict[str, ProvisionedConcurrency]] = {}
        """By function and qualifier; those of deleted functions too, until they are deleted."""
        self._kept: dict[str, dict[messages.VersionId, tuple[function.Spec, int]]] = {}
        """By function: which environments of which versions the keeper has been told to keep."""
        self._at_work: set[str] = set()
        catalog.observe(kinds.PROVISIONED, self._config_changed)
        catalog.observe(kinds.FUNCTION, self._function_changed)
        catalog.observe(kinds.VERSION, self._child_changed)
        catalog.observe(kinds.ALIAS, self._child_changed)

    def standing(self, name: str, qualifier: str) -> provisioned.Standing:
        """Tell how the environments of a function's version or alias stand."""
        wanted = self._wanted(name)
        if qualifier not in wanted:
            return provisioned.Standing()
        versions = {version: self._stands(name, version) for version in wanted[qualifier]}
        return provisioned.standing_of(qualifier, wanted, versions)

    def _stands(self, name: str, version: str) -> provisioned.Standing:
        target = self._catalog.target(name, version)
        if target is None:
            return provisioned.Standing()
        if target.status.state is function.State.FAILED:
            return provisioned.Standing(failure=target.status.state_reason)
        return self._keeper.standing(target.id)

    def wanted(self, name: str, qualifier: str) -> int:
        """Return how many environments a version or an alias should have."""
        return sum(self._wanted(name).get(qualifier, {}).values())

    def _living(self, name: str) -> dict[str, ProvisionedConcurrency]:
        owner = self._catalog.living(name)
        if owner is None:
            return {}
        configs = self._configs.get(name, {})
        return {key: each for key, each in configs.items() if each.function_uid == owner.uid}

    def _wanted(self, name: str) -> dict[str, dict[str, int]]:
        """Return what each qualifier of a function wants of which version."""
        wanted = {}
        for qualifier, config in self._living(name).items():
            alias = self._catalog.alias(name, qualifier)
            if alias is not None:
                wanted[qualifier] = provisioned.shares(alias, config.requested)
            else:
                wanted[qualifier] = {qualifier: config.requested}
        return wanted

    # Changes

    def _config_changed(
        self, old: ProvisionedConcurrency | None, new: ProvisionedConcurrency | None
    ) -> None:
        if new is not None:
            self._configs.setdefault(new.function_name, {})[new.qualifier] = new
            # Who asks again, even for the same, wants it tried again.
            for version in self._targets(new.function_name):
                self._keeper.retry(version)
            self.reconcile(new.function_name)
        elif old is not None:
            configs = self._configs[old.function_name]
            del configs[old.qualifier]
            self.reconcile(old.function_name)
            if not configs:
                del self._configs[old.function_name]

    def _function_changed(
        self, old: function.Function | None, new: function.Function | None
    ) -> None:
        one = new or old
        if one is not None:
            self.reconcile(one.name)

    def _child_changed(
        self,
        old: function.Version | function.Alias | None,
        new: function.Version | function.Alias | None,
    ) -> None:
        one = new or old
        if one is not None:
            self.reconcile(one.function_name)

    def reconcile_all(self) -> None:
        """Have kept what should be of all functions."""
        for name in {*self._configs, *self._kept}:
            self.reconcile(name)

    def reconcile(self, name: str) -> None:
        """Have kept what should be, if anything was ever provisioned for the function."""
        if (name not in self._configs and name not in self._kept) or name in self._at_work:
            return
        # The keeper may have environments ready, and say so, before it returns.
        self._at_work.add(name)
        try:
            if self._claim(name):
                self._apply(name)
            else:
                for version, (spec, _) in list(self._kept.get(name, {}).items()):
                    self._keep(name, version, spec, 0, aside=0)
        finally:
            self._at_work.discard(name)

    def _apply(self, name: str) -> None:
        targets = self._targets(name)
        kept = dict(self._kept.get(name, {}))
        for version, (spec, had) in (kept | targets).items():
            count = targets[version][1] if version in targets else 0
            keeps = max(had, kept[version][1]) if version in kept else had
            self._keep(name, version, spec, keeps if self._runs(version) else 0, aside=count)
        if self._awaits_version(name) or any(
            self._keeper.standing(version).status(count) is provisioned.Status.IN_PROGRESS
            for version, (_, count) in targets.items()
        ):
            return
        # All that is wanted is there, or cannot be: what was kept meanwhile may go.
        for version, (spec, had) in list(self._kept.get(name, {}).items()):
            count = targets[version][1] if version in targets else 0
            if had > count:
                self._keep(name, version, spec, count, aside=count)

    def _awaits_version(self, name: str) -> bool:
        """Whether a version that something is wanted of will be able to run, and is not yet."""
        wanted = {version for shares in self._wanted(name).values() for version in shares}
        targets = (self._catalog.target(name, version) for version in wanted)
        return any(one and one.status.state is function.State.PENDING for one in targets)

    def _runs(self, version: messages.VersionId) -> bool:
        """Whether this is still what invocations of the version run."""
        target = self._catalog.target(version.function_name, version.version)
        return target is not None and target.id == version

    def _keep(
        self, name: str, version: messages.VersionId, spec: function.Spec, count: int, *, aside: int
    ) -> None:
        kept = self._kept.setdefault(name, {})
        if count:
            kept[version] = (spec, count)
        else:
            kept.pop(version, None)
            if not kept:
                del self._kept[name]
        self._keeper.provision(version, spec, environments=count, aside=aside)

    def _targets(self, name: str) -> dict[messages.VersionId, tuple[function.Spec, int]]:
        """Return how many environments each version that can run should have."""
        counts: dict[str, int] = {}
        for shares in self._wanted(name).values():
            for version, share in shares.items():
                counts[version] = counts.get(version, 0) + share
        found = {}
        for version, count in counts.items():
            target = self._catalog.target(name, version)
            is_published = version != function.LATEST
            if target is not None and target.status.state is function.State.ACTIVE and is_published:
                found[target.id] = (target.spec, count)
        return found
