"""Rules S05 to S08: what PostgreSQL's own catalogue must say of readers and of the release.

Each check is a query that counts what must not be there. To see which objects or roles it counts,
print its `statement` and run it in psql with other columns in the place of its `count(*)`.
"""

from dataclasses import dataclass

DOCUMENTED = "docs/publish-to-postgresql.md"

# Who reads: the reader role and whoever is a member of it, directly or not, and PUBLIC (0).
# What they hold: rights by access lists, which are all rights of a role that owns nothing, is no
# superuser and is a member of nothing else; three checks see to that.
WORDS = """
with recursive
members as (
    select member, roleid
    from pg_auth_members
    -- Since PostgreSQL 16, who made a role administers it without having its rights.
    where coalesce(
        (to_jsonb(pg_auth_members) ->> 'inherit_option')::boolean
        or (to_jsonb(pg_auth_members) ->> 'set_option')::boolean,
        true
    )
),
readers as (
    select oid from pg_roles where rolname = %(reader)s
    union
    select members.member
    from members
    inner join readers on members.roleid = readers.oid
),
grantees as (
    select oid from readers
    union all
    select 0
),
publishers as (
    select oid from pg_roles where rolname in (current_user, session_user)
),
schemas as (
    select
        oid,
        nspname,
        nspname = %(schema)s as is_release,
        nspname ~ '^pg_' or nspname = 'information_schema' as is_system
    from pg_namespace
),
release_tables as (
    select pg_class.oid
    from pg_class
    inner join schemas on pg_class.relnamespace = schemas.oid
    where schemas.is_release and pg_class.relkind = 'r'
),
objects (catalogue, object, part, schema, rights, usual) as (
    select
        'pg_class'::regclass, oid, 0, relnamespace, relacl,
        acldefault((case relkind when 'S' then 's' else 'r' end)::"char", relowner)
    from pg_class
    union all
    select
        'pg_class'::regclass, pg_class.oid, pg_attribute.attnum, pg_class.relnamespace,
        pg_attribute.attacl, acldefault('c', pg_class.relowner)
    from pg_attribute
    inner join pg_class on pg_attribute.attrelid = pg_class.oid
    where pg_attribute.attacl is not null
    union all
    select 'pg_proc'::regclass, oid, 0, pronamespace, proacl, acldefault('f', proowner)
    from pg_proc
    union all
    select 'pg_namespace'::regclass, oid, 0, oid, nspacl, acldefault('n', nspowner)
    from pg_namespace
    union all
    select 'pg_database'::regclass, oid, 0, 0, datacl, acldefault('d', datdba)
    from pg_database
    where datname = current_database()
    union all
    select 'pg_foreign_data_wrapper'::regclass, oid, 0, 0, fdwacl, acldefault('F', fdwowner)
    from pg_foreign_data_wrapper
    union all
    select 'pg_foreign_server'::regclass, oid, 0, 0, srvacl, acldefault('S', srvowner)
    from pg_foreign_server
    union all
    select 'pg_largeobject'::regclass, oid, 0, 0, lomacl, acldefault('L', lomowner)
    from pg_largeobject_metadata
    union all
    select 'pg_parameter_acl'::regclass, oid, 0, 0, paracl, null
    from pg_parameter_acl
),
held as (
    select
        objects.catalogue, objects.object, objects.part, objects.schema, objects.usual,
        item.grantee, item.privilege_type as privilege, item.is_grantable
    from objects
    cross join lateral aclexplode(coalesce(objects.rights, objects.usual)) as item
    where item.grantee in (select oid from grantees)
)
"""
# Objects that came with the server have numbers below this one.
FIRST_OWN_NUMBER = 16384


@dataclass(frozen=True)
class Check:
    """One query that must count 0; where it looks, what it finds, and what to do then."""

    rule: str
    place: str
    query: str
    why: str
    remedy: str

    @property
    def statement(self) -> str:
        """The whole query, with parameters `reader` and `schema`."""
        return WORDS + self.query


CHECKS = (
    Check(
        "S05",
        "pg_roles",
        "select 1 - count(*) from pg_roles where rolname = %(reader)s",
        "the reader role is not there",
        f"Set the database up as {DOCUMENTED} says, or name the role in FLOWGRAIN_READER_ROLE",
    ),
    Check(
        "S05",
        "pg_roles",
        """
        select count(*)
        from pg_roles
        where
            (oid in (select oid from readers) or oid in (select oid from publishers))
            and (rolsuper or rolcreatedb or rolcreaterole or rolreplication or rolbypassrls)
        """,
        "readers or the publisher are superusers, or may create roles or databases, replicate or "
        "bypass row security",
        "Give them roles that may do none of it",
    ),
    Check(
        "S05",
        "pg_auth_members",
        """
        select count(*)
        from pg_auth_members
        where
            (member in (select oid from readers) or member in (select oid from publishers))
            and roleid not in (select oid from readers)
        """,
        "readers or the publisher are members of other roles",
        "Revoke these memberships",
    ),
    Check(
        "S05",
        "pg_shdepend",
        """
        select count(*)
        from pg_shdepend
        inner join pg_database on pg_shdepend.dbid in (0, pg_database.oid)
        where
            pg_database.datname = current_database()
            and pg_shdepend.refclassid = 'pg_authid'::regclass
            and pg_shdepend.refobjid in (select oid from readers)
            and pg_shdepend.deptype = 'o'
        """,
        "readers own something",
        "Drop it, or give it to another owner",
    ),
    Check(
        "S05",
        "pg_namespace",
        """
        select count(*)
        from held
        inner join schemas on held.schema = schemas.oid
        where
            held.catalogue = 'pg_namespace'::regclass
            and (
                held.privilege <> 'USAGE'
                or held.is_grantable
                or not (schemas.is_release or schemas.is_system)
            )
        """,
        "readers or PUBLIC have rights on a schema other than the release's, or may create in one",
        "Revoke them",
    ),
    Check(
        "S05",
        "pg_class",
        """
        select count(*)
        from held
        inner join schemas on held.schema = schemas.oid
        where
            held.catalogue = 'pg_class'::regclass
            and not schemas.is_system
            and (held.privilege <> 'SELECT' or held.is_grantable or not schemas.is_release)
        """,
        "readers or PUBLIC have rights on relations or columns beyond reading the release",
        "Revoke them",
    ),
    Check(
        "S05",
        "pg_init_privs",
        # Whatever a new server grants stands there, but for the views of the SQL standard.
        f"""
        select count(*)
        from held
        inner join schemas on held.schema = schemas.oid
        left join pg_init_privs as initial
            on
                held.catalogue = initial.classoid
                and held.object = initial.objoid
                and held.part = initial.objsubid
        where
            schemas.is_system
            and held.catalogue <> 'pg_namespace'::regclass
            and not (
                schemas.nspname = 'information_schema'
                and held.object < {FIRST_OWN_NUMBER}
                and held.privilege = 'SELECT'
                and not held.is_grantable
            )
            and not exists (
                select 1
                from aclexplode(coalesce(initial.initprivs, held.usual)) as item
                where
                    item.grantee = held.grantee
                    and item.privilege_type = held.privilege
                    and item.is_grantable >= held.is_grantable
            )
        """,
        "readers or PUBLIC have rights on the system catalogue that a new server does not give",
        "Revoke them",
    ),
    Check(
        "S05",
        "pg_proc",
        f"""
        select count(*)
        from held
        inner join schemas on held.schema = schemas.oid
        where
            held.catalogue = 'pg_proc'::regclass
            and (held.object >= {FIRST_OWN_NUMBER} or not schemas.is_system)
        """,
        "readers or PUBLIC may execute functions that did not come with the server",
        "Drop them, or revoke execute on them from PUBLIC and from readers",
    ),
    Check(
        "S05",
        "pg_foreign_server",
        """
        select
            count(*)
            + (select count(*) from pg_user_mappings where umuser in (select oid from grantees))
        from held
        where
            catalogue in ('pg_foreign_data_wrapper'::regclass, 'pg_foreign_server'::regclass)
        """,
        "readers or PUBLIC may use foreign servers or wrappers, or have a user mapping",
        "Revoke usage and drop the mappings",
    ),
    Check(
        "S05",
        "pg_largeobject_metadata",
        """
        select
            count(*)
            + (current_setting('lo_compat_privileges') <> 'off')::int
            + (
                select count(*)
                from pg_db_role_setting
                where array_to_string(setconfig, ' ') ~ 'lo_compat_privileges'
            )
        from held
        where catalogue = 'pg_largeobject'::regclass
        """,
        "readers or PUBLIC have rights on large objects, or lo_compat_privileges is set",
        "Revoke them, and reset lo_compat_privileges",
    ),
    Check(
        "S05",
        "pg_parameter_acl",
        "select count(*) from held where catalogue = 'pg_parameter_acl'::regclass",
        "readers or PUBLIC may change settings that only superusers change",
        "Revoke set and alter system on these parameters",
    ),
    Check(
        "S05",
        "pg_default_acl",
        """
        select count(*)
        from pg_default_acl
        cross join lateral aclexplode(pg_default_acl.defaclacl) as item
        where item.grantee in (select oid from grantees)
        """,
        "default privileges grant to readers or PUBLIC",
        "Take them back with alter default privileges",
    ),
    Check(
        "S06",
        "pg_namespace",
        """
        select count(*)
        from pg_namespace
        where nspname = %(schema)s and nspowner not in (select oid from publishers)
        """,
        "the release's schema does not belong to the publisher",
        "Publish to a database of its own, by the role that published before",
    ),
    Check(
        "S06",
        "pg_depend",
        """
        select count(*)
        from pg_depend
        inner join schemas on pg_depend.refobjid = schemas.oid
        left join pg_class
            on pg_depend.classid = 'pg_class'::regclass and pg_depend.objid = pg_class.oid
        where
            pg_depend.refclassid = 'pg_namespace'::regclass
            and schemas.is_release
            and not coalesce(
                pg_class.relkind = 'r'
                and pg_class.relpersistence = 'p'
                and not pg_class.relispartition
                and not pg_class.relrowsecurity
                and pg_class.relowner in (select oid from publishers),
                false
            )
        """,
        "the release holds more than permanent tables of the publisher",
        "Drop what is no table of a release",
    ),
    Check(
        "S06",
        "pg_depend",
        """
        select count(*)
        from pg_depend
        where
            refclassid = 'pg_class'::regclass
            and refobjid in (select oid from release_tables)
            and deptype <> 'i'
            or classid = 'pg_class'::regclass
            and objid in (select oid from release_tables)
            and refclassid <> 'pg_namespace'::regclass
        """,
        "something is built on the release's tables, or they on something: a view, trigger, rule, "
        "policy, index, constraint, default or parent",
        "Drop it: what readers need is copied, never built on a release",
    ),
    Check(
        "S06",
        "pg_proc",
        """
        select count(*)
        from held
        inner join pg_proc on held.object = pg_proc.oid
        where held.catalogue = 'pg_proc'::regclass and pg_proc.prosecdef
        """,
        "readers may execute a function that runs with the rights of its owner",
        "Drop it, or revoke execute on it",
    ),
    Check(
        "S07",
        "pg_database",
        """
        select count(*)
        from held
        where catalogue = 'pg_database'::regclass and (privilege <> 'CONNECT' or is_grantable)
        """,
        "readers or PUBLIC may create schemas or temporary tables in the database",
        "Revoke create and temp on the database from them and from PUBLIC",
    ),
    Check(
        "S08",
        "pg_namespace",
        """
        select count(*)
        from pg_namespace
        where nspname <> %(schema)s and nspowner in (select oid from publishers)
        """,
        "the publisher owns other schemas: an older release could stand in one",
        "Drop them, or give them to another owner",
    ),
)
