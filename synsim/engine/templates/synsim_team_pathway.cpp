{# The statements of a pathway at a part's synapses: `synsim_pathway.cpp` for a team. #}
{% extends 'common_synapses.cpp' %}

{# USES_VARIABLES { _synaptic_pre, _synaptic_post, delay, _source_dt } #}
{% set _source_of = get_array_name(pathway.synapse_sources) + '[_idx]' %}
{% set _partner_of = get_array_name(pathway.synapse_targets) + '[_idx]' %}
{% set _code = team.own(vector_code)|replace(_source_of, '_source')|replace(_partner_of, '_partner') %}
{% set _to = get_array_name(pathway.synapse_targets, access_data=False) %}

{% block before_code %}
    void _run_{{ codeobj_name }}();
    synsim::Team &_team = synsim::team("{{ team.name }}");
    const auto _prepare = [=](const synsim::Team &_team) {
        const synsim::Owners _owners = {
            {{ '_team.owners(%s)' % group if of == 'sources' else 'nullptr' }},
            {{ '_team.owners(%s)' % group if of == 'partners' else 'nullptr' }},
            {{ 'true' if of == 'none' else 'false' }}};
        synsim::pathway("{{ pathway.name }}").prepare({{ pathway.spikes_start }}, {{ pathway.spikes_stop }},
            {{ get_array_name(variables['delay'], access_data=False) }},
            {{ get_array_name(pathway.synapse_sources, access_data=False) }}, {{ _to }},
            {{ _source_dt }}, _team.threads(), &_owners);
    };
    {% if of == 'sources' %}
    _team.enlist(_run_{{ codeobj_name }}, _prepare);
    {% else %}
    {% set _eventspace = get_array_name(variables[pathway.eventspace_name]) %}
    _team.enlist(_run_{{ codeobj_name }}, _prepare, &synsim::pathway("{{ pathway.name }}"), {{ _eventspace }},
        {{ _eventspace }} + _num{{ pathway.eventspace_name }} - 1);
    {% endif %}
{% endblock %}

{% block maincode %}
    static synsim::Pathway &_pathway = synsim::pathway("{{ pathway.name }}");
    const synsim::Share *const _share = synsim::Share::mine();
    if (!_share) {
        static synsim::Team &_team = synsim::team("{{ team.name }}");
        _team.turn(_run_{{ codeobj_name }});
        return;
    }
    _pathway.begin_step(_share->part);
    {% if of == 'sources' %}
    const synsim::Spikes &_spikes = _share->spikes({{ group }});
    _pathway.push(_share->part, _spikes.begin(_share->at), _spikes.count(_share->at), 0);
    {% endif %}
    {{ team.copies(scalar_code, vector_code)|autoindent }}
    // scalar code
    const size_t _vectorisation_idx = -1;
    {{ team.own(scalar_code)|autoindent }}
    const int _part = _share->part, _turn = 0, _turns = 1;
    {% include 'synsim_deliver.cpp' %}
{% endblock %}
