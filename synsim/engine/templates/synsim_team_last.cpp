{# Behind all objects that have enlisted in a team. #}
{# USES_VARIABLES { t_in_timesteps, dt } #}
{% extends 'common_group.cpp' %}

{% block before_code %}
    synsim::Team &_team = synsim::team("{{ team.name }}");
    {% for variable in team.copied %}
    _team.copy({{ get_array_name(variable, access_data=False) }});
    {% endfor %}
    _team.prepare(&{{ t_in_timesteps }}, {{ dt }}, {{ team.end }});
{% endblock %}
