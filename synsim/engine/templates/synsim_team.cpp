{# The first object of every step: all parts of a team work through a window where one begins. #}
{# USES_VARIABLES { t_in_timesteps, dt } #}
{% extends 'common_group.cpp' %}

{% block before_code %}
    synsim::Team &_team = synsim::team("{{ team.name }}");
    _team.gather({{ openmp_pragma('get_num_threads') }}, { {{ team.neurons|join(', ') }} },
        &{{ t_in_timesteps }}, {{ dt }}, {{ team.end }});
    {% for variable in team.copied %}
    _team.copy({{ get_array_name(variable, access_data=False) }});
    {% endfor %}
{% endblock %}

{% block maincode %}
    static synsim::Team &_team = synsim::team("{{ team.name }}");
    _team.work();
{% endblock %}
