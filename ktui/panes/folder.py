"""The watched folder: sync state, errors with their lines, the plan, the files, what is held back."""

from engine.base.api import Client
from engine.base.errors import StatusError
from ktui.model.feeds import Query
from ktui.model.folder import FOLDERS, folder_lines
from ktui.model.lines import Line, Span
from ktui.model.rows import Target
from ktui.widgets.object_pane import ObjectPane
from ktui.widgets.pane import PaneKind

NO_FOLDER: list[Line] = [(Span("no folder is watched in this cluster", "dim"),)]


class FolderPane(ObjectPane):
    """Shows the folder that the engine watches (the first one, where there are several and none was chosen)."""

    place = "folder"
    verb = "Folder"

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self._found: Target | None = self.opening.target

    @property
    def target(self) -> Target | None:
        return self._found

    @property
    def resource(self) -> str:
        return FOLDERS

    @property
    def heading(self) -> str:
        return "Folder"

    def on_mount(self) -> None:
        self.view.border_title = "Folder"
        self._cancels = [self.deck.feeds.subscribe(Query(FOLDERS), self._hear)]
        self.rewrite()
        self.run_worker(self._keep_writing(Target(FOLDERS, "", "", "")), exit_on_error=True)

    async def write(self, client: Client, target: Target) -> list[Line]:
        try:
            found = (await client.list(FOLDERS)).get("items") or ()
        except StatusError as error:
            if error.code == 404:
                return NO_FOLDER
            raise
        chosen = next((f for f in found if self._found is None or f["metadata"]["uid"] == self._found.uid), None)
        if chosen is None:
            return NO_FOLDER
        self._found = Target(FOLDERS, "", chosen["metadata"]["name"], chosen["metadata"]["uid"])
        return folder_lines(chosen, self.deck.clock.now())


PANE = PaneKind("folder", "Folder", FolderPane, ("fo", "folders", "gitops"), (FOLDERS,))
