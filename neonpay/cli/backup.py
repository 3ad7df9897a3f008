"""``neonpay backup``: make backups, read them back, try them out, restore and delete them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from neonpay.cli.asking import agreed
from neonpay.cli.backup_shown import (
    adopted_json,
    as_json,
    copied_json,
    print_backups,
    restored_json,
    say_adopted,
    say_before_adopting,
    say_copied,
    say_deleted,
    say_drilled,
    say_made,
    say_restored,
    sized,
)
from neonpay.cli.backup_work import (
    CopyOption,
    CopyToOption,
    DirectoryOption,
    FormTyped,
    FromOption,
    IdentityOption,
    PassphraseFileOption,
    RecipientOption,
    Typed,
    TypeTyped,
    chosen,
    fetched,
    keep,
    place_of_copies,
    progress,
    until_stopped,
)
from neonpay.cli.counted import counted
from neonpay.cli.exit_codes import FOUND
from neonpay.cli.lines import runnable, say
from neonpay.cli.sheets import print_json
from neonpay.cli.shop import BotOption, DatabaseOption, JsonOption, core_settings, errors_in_one_line
from neonpay.errors import BackupDamagedError, BackupNotFoundError

if TYPE_CHECKING:
    from neonpay.backup.config import BackupConfig
    from neonpay.backup.keeping import Keeper
    from neonpay.backup.kinds import Form

T = TypeVar("T")

backup = typer.Typer(
    help="Back up the ledger, read a backup back, try it out, and restore it.",
    no_args_is_help=True,
)
IdArgument = Annotated[str, typer.Argument(help="Id of the backup, as `neonpay backup list` shows it.", metavar="ID")]
MaybeIdArgument = Annotated[
    str | None, typer.Argument(help="Id of the backup; the newest when left out.", metavar="ID")
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before.")]


@backup.command()
def create(
    *,
    description: Annotated[str, typer.Option(help="What it is for, in your words.")] = "",
    backup_type: Annotated[
        TypeTyped | None,
        typer.Option(
            "--type",
            help="How much is written anew: all (full), what no earlier one has (incremental), what the last full one has "
            "not (differential). Each restores alone.",
        ),
    ] = None,
    form: Annotated[
        FormTyped | None,
        typer.Option(
            "--form",
            help="What is in its files: json goes into every engine; sqlite is the database's file, encrypted only; postgresql "
            "is what psql runs. json when neither it nor the settings say it.",
        ),
    ] = None,
    directory: DirectoryOption = None,
    compression: Annotated[bool | None, typer.Option(help="Compress by zstd.", show_default=False)] = None,
    passphrase_file: PassphraseFileOption = None,
    recipient: RecipientOption = None,
    copy_to: CopyToOption = None,
    json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Make a backup of everything in the ledger, whichever bot; the bots may run meanwhile."""
    from neonpay.backup.info import info_of
    from neonpay.backup.kinds import BackupType

    with errors_in_one_line(runnable):
        config = chosen(directory, passphrase_file, recipient=recipient, compression=compression, copy_to=copy_to)
        extent = None if backup_type is None else BackupType(backup_type.value)
        chosen_form: Form | None = None if form is None else form.value
        made = _kept(
            database,
            config,
            lambda keeper: keeper.make(description=description, backup_type=extent, form=chosen_form),
        )
        from neonpay.backup.folder import BackupFolder

        info = info_of(BackupFolder(config.folder), made)
    if json:
        print_json(as_json(info))
    else:
        say_made(info, made, has_key=bool(config.secrets.passphrase or config.secrets.identity_files))
        if config.copy_to is not None:
            say(f"It is in {config.target.name} as well, and was read back from there.")


@backup.command("list")
def list_backups(
    *,
    directory: DirectoryOption = None,
    copy: CopyOption = False,
    source: FromOption = None,
    json: JsonOption = False,
) -> None:
    """Show the backups that are there, newest first. Exit code 1 if one is damaged."""
    from neonpay.backup.elsewhere import Elsewhere
    from neonpay.backup.folder import BackupFolder
    from neonpay.backup.info import infos_in
    from neonpay.backup.kinds import BackupStatus

    with errors_in_one_line(runnable):
        config = chosen(directory, copy_to=source)
        is_elsewhere = copy or source is not None
        if directory is not None and not is_elsewhere and not os.path.lexists(directory):
            raise BackupNotFoundError(f"there is no folder {directory}")
        there = Elsewhere(place_of_copies(config)) if is_elsewhere else None
        found = infos_in(BackupFolder(config.folder)) if there is None else there.infos()
    if json:
        print_json([as_json(one) for one in found])
    elif found:
        print_backups(found)
    else:
        place = config.folder if there is None else there.target.name
        say(f"There is no backup in {place}. Make one: neonpay backup create")
    if any(one.status is BackupStatus.DAMAGED for one in found):
        raise typer.Exit(FOUND)


@backup.command()
def verify(
    backup_id: MaybeIdArgument = None,
    *,
    directory: DirectoryOption = None,
    passphrase_file: PassphraseFileOption = None,
    identity: IdentityOption = None,
    copy: CopyOption = False,
    source: FromOption = None,
    json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Read a backup back, every byte of it. Exit code 1 if something of it is not as it was written."""
    with errors_in_one_line(runnable):
        config = chosen(directory, passphrase_file, identity=identity, copy_to=source)
        try:
            if copy or source is not None:
                _verify_copies(database, config, backup_id, json=json)
                return
            found = _kept(database, config, lambda keeper: keeper.verify(backup_id or keeper.newest().backup_id))
        except BackupDamagedError as error:
            typer.echo(f"neonpay: {error}", err=True)
            raise typer.Exit(FOUND) from None
    if json:
        print_json(
            {
                "backup_id": found.manifest.backup_id,
                "chunks": found.chunks,
                "rows": found.rows,
                "is_opened": found.is_opened,
            }
        )
        return
    say(
        f"{found.manifest.backup_id} is whole: {counted(found.chunks, 'file')}, {sized(found.manifest.size)}, "
        f"{counted(found.rows, 'row')}."
    )
    if not found.is_opened:
        say("It is encrypted, and no key was given: its files are as they were written, and its rows were not read.")


@backup.command()
def copy(
    *,
    directory: DirectoryOption = None,
    copy_to: CopyToOption = None,
    json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Copy the backups that are kept to another place, which `create` does as well, and read back what was written."""
    with errors_in_one_line(runnable):
        config = chosen(directory, copy_to=copy_to)
        target = config.target
        done = _kept(database, config, lambda keeper: keeper.copy(target))
    if json:
        print_json(copied_json(done))
    else:
        say_copied(done)


@backup.command()
def restore(
    backup_id: MaybeIdArgument = None,
    *,
    named: Annotated[str | None, typer.Option("--backup-id", help="The same as ID.", metavar="ID")] = None,
    force: Annotated[
        bool,
        typer.Option("--force", help="Also in the place of another bot's ledger; with --bot, give it to that bot."),
    ] = False,
    yes: YesOption = False,
    directory: DirectoryOption = None,
    passphrase_file: PassphraseFileOption = None,
    identity: IdentityOption = None,
    source: FromOption = None,
    json: JsonOption = False,
    database: DatabaseOption = None,
    bot_id: BotOption = None,
) -> None:
    """Make a backup the ledger again. Stop every program of the shop first; what was there is kept beside it.

    What was waiting when the backup was made, and what was sold since, waits for you: nothing old is delivered, refunded or
    told by itself.
    """
    from neonpay.backup.folder import BackupFolder
    from neonpay.backup.installed import tables_of_installed
    from neonpay.backup.keeping import newest_in
    from neonpay.backup.restoring import Order
    from neonpay.backup.restoring import restore as restore_backup
    from neonpay.core.clock import SystemClock
    from neonpay.ledger.open import place_of

    with errors_in_one_line(runnable):
        if named is not None and backup_id is not None and named != backup_id:
            raise typer.BadParameter("give the id once", param_hint="--backup-id")
        config = chosen(directory, passphrase_file, identity=identity)
        folder = BackupFolder(config.folder)
        url = core_settings(database, None).database_url
        wanted = fetched(config, source, backup_id or named) or newest_in(folder).backup_id
        manifest = folder.manifest(wanted)
        typed = Typed(directory, passphrase_file, identity, database, bot_id)
        most = max(folder.manifests(), key=lambda one: one.dated.payments)
        if most.dated.payments > manifest.dated.payments:
            words = (
                f"{wanted} has {counted(manifest.dated.payments, 'payment')}, and {most.backup_id} has "
                f"{most.dated.payments:,}; to restore that one, name it: {typed.line(most.backup_id)}"
            )
            typer.echo(runnable(words), err=True)
        agreed(
            f"Make {wanted}, of {manifest.created_at:%Y-%m-%d %H:%M} UTC, the ledger in {place_of(url)}?",
            yes=yes,
        )
        order = Order(
            backup_id=wanted,
            database_url=url,
            secrets=config.secrets,
            bot_id=typed.bot_id,
            force=force,
            extensions=tables_of_installed(),
            line=typed.line(wanted),
            database_option=typed.database_option,
        )
        with progress() as note:
            restored = restore_backup(folder, order, clock=SystemClock(), note=note)
    if json:
        print_json(restored_json(restored))
    else:
        say_restored(restored)


@backup.command()
def adopt(*, yes: YesOption = False, json: JsonOption = False, database: DatabaseOption = None) -> None:
    """Make a copy of a ledger safe to sell on: one of litestream, a WAL archive, pg_dump or a disk.

    It would deliver again what was delivered after it was made. After this command what was waiting in it, and what was sold
    since, waits for you, as after `neonpay backup restore`. Type it before the bot starts on the copy, and not on a ledger that
    was only stopped. Before it asks, it says when a program was at work on the ledger last, and what will wait.
    """
    from neonpay.backup.adopting import adopt as adopt_copy
    from neonpay.backup.adopting import look
    from neonpay.core.clock import SystemClock

    with errors_in_one_line(runnable):
        url, clock = core_settings(database, None).database_url, SystemClock()
        if not yes:
            found = look(url, clock=clock)
            say_before_adopting(found, clock.now_us())
            agreed(f"Is the ledger in {found.place} a copy that was brought back, and is all this to wait?", yes=False)
        done = adopt_copy(url, clock=clock)
    if json:
        print_json(adopted_json(done))
    else:
        say_adopted(done)


@backup.command()
def delete(
    backup_id: IdArgument,
    *,
    yes: YesOption = False,
    directory: DirectoryOption = None,
    copy: CopyOption = False,
    source: FromOption = None,
) -> None:
    """Remove a backup, and what no other one needs of it; with --copy or --from TARGET its copy there as well."""
    from neonpay.backup.deleting import found

    with errors_in_one_line(runnable):
        config = chosen(directory, copy_to=source)
        is_asked = copy or source is not None
        if is_asked:
            place_of_copies(config)  # raises, with what to type
        one = found(config, backup_id, copy=is_asked)
        agreed(f"Delete {backup_id} for good in {' and in '.join(one.places)}?", yes=yes)
        say_deleted(one.run(), is_here=one.is_here)


@backup.command()
def drill(
    backup_id: MaybeIdArgument = None,
    *,
    directory: DirectoryOption = None,
    passphrase_file: PassphraseFileOption = None,
    identity: IdentityOption = None,
    source: FromOption = None,
    json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Restore a backup into a database that is thrown away, and prove its books. Exit code 1 if they do not add up."""
    from neonpay.backup.installed import tables_of_installed

    with errors_in_one_line(runnable):
        config = chosen(directory, passphrase_file, identity=identity)
        extensions = tables_of_installed()
        wanted = fetched(config, source, backup_id)
        found = _kept(database, config, lambda keeper: keeper.drill(extensions, backup_id=wanted))
    if json:
        print_json(restored_json(found))
    else:
        say_drilled(found)
    if not all(proof.is_clean for proof in found.proofs):
        raise typer.Exit(FOUND)


@backup.command()
def schedule(
    *,
    at: Annotated[
        str | None,
        typer.Option(
            "--at",
            help='"daily", "6h", "03:30", or five fields of cron; `backup.schedule` of neonpay.toml when left out.',
            metavar="TIMES",
        ),
    ] = None,
    zone: Annotated[str | None, typer.Option(help="Whose clock, such as Europe/Berlin.")] = None,
    directory: DirectoryOption = None,
    passphrase_file: PassphraseFileOption = None,
    recipient: RecipientOption = None,
    copy_to: CopyToOption = None,
    database: DatabaseOption = None,
) -> None:
    """Make backups at their times until Ctrl-C. Of several programs that do so, one makes each."""
    from neonpay.backup.manager import BackupManager

    with errors_in_one_line(runnable):
        config = chosen(directory, passphrase_file, recipient=recipient, copy_to=copy_to, schedule=at, zone=zone)
        manager = BackupManager(config, database_url=core_settings(database, None).database_url)
        with suppress(KeyboardInterrupt):
            asyncio.run(until_stopped(manager, config))


def _kept(database: str | None, config: BackupConfig, work: Callable[[Keeper], T]) -> T:
    return keep(core_settings(database, None).database_url, config, work)


def _verify_copies(database: str | None, config: BackupConfig, backup_id: str | None, *, json: bool) -> None:
    target = place_of_copies(config)
    ids, files = _kept(database, config, lambda keeper: keeper.verify_copies(target, backup_id))
    if json:
        print_json({"target": target.name, "backup_ids": list(ids), "files": files})
    else:
        say(f"{target.name}: {counted(len(ids), 'backup')}, {counted(files, 'file')}, each as it was written.")
