-- The provisioner makes tenants' roles and databases and is no superuser; it owns the template and what it makes, and nothing else lets it in.
create role howdah_provisioner login createdb createrole password 'provisioner';
create database howdah_template owner howdah_provisioner template template0 encoding 'UTF8' locale_provider builtin builtin_locale 'C.UTF-8' locale 'C.UTF-8' is_template true;
revoke connect, temporary on database postgres, template1, howdah_template from public;
grant connect on database postgres, howdah_template to howdah_provisioner;
-- in the template
create schema howdah_check;
create extension amcheck schema howdah_check;
grant usage on schema howdah_check to public;
grant execute on all functions in schema howdah_check to public;
