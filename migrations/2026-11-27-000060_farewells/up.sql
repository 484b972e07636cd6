-- Servers that are gone and said farewell, by their names: each launch at a domain of a customer's own asks for them.
CREATE INDEX CONCURRENTLY instances_farewells ON instances (domain, web_domain) WHERE farewell_began_at IS NOT NULL AND tombstoned_at IS NOT NULL;
